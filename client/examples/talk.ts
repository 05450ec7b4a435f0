import { createInterface } from 'node:readline'
import { PlazaClient, PlazaError } from '../index.ts'

// A person at a terminal: bun client/examples/talk.ts <me> <the other> [url]
const [me = '', other = '', url = 'http://localhost:8000'] = process.argv.slice(2)
if (!me || !other) {
  console.error('usage: bun client/examples/talk.ts <me> <the other> [url]')
  process.exit(2)
}

const plaza = new PlazaClient({ url })
const password = `${me} likes long passwords`
try {
  await plaza.account.register({ username: me, email: `${me}@example.org`, password })
} catch (error) {
  if (!(error instanceof PlazaError)) throw error
  await plaza.account.logIn({ login: me, password }).catch(() => {
    console.error(error.code === 'conflict' ? `${me} has an account with another password` : error.message)
    process.exit(1)
  })
}

plaza.on('state', ({ state }) => console.log(`(${state})`))
plaza.on('message', async ({ senderId, text, conversationId, seq }) => {
  if (senderId !== (await plaza.account.session())?.user.id) console.log(`${other}: ${text}`)
  await plaza.read(conversationId, seq)
})
await plaza.connect()

const find = async (username: string) => {
  for await (const person of plaza.people.search(username)) if (person.username === username) return person
}
let person = await find(other)
if (!person) console.log(`waiting for ${other} to come`)
for (; !person; person = await find(other)) await new Promise((resolve) => setTimeout(resolve, 1_000))

const conversation = await plaza.talk.open(person.userId)
const { items } = await plaza.talk.history(conversation.id, { limit: 10 })
for (const { senderId, text } of items.sort((a, b) => a.seq - b.seq))
  console.log(`${senderId === person.userId ? other : me}: ${text}`)
console.log(`You talk with ${other}. Type, and press Enter; Ctrl-D ends.`)

for await (const line of createInterface({ input: process.stdin }))
  if (line) await plaza.send(conversation.id, line)
await plaza.close()
