/** Two people, a message and its edit. With Plaza running: bun client/examples/hello.ts [url] */
import { PlazaClient } from '../index.ts'

const [url = 'http://localhost:8000'] = process.argv.slice(2)
const password = 'correct horse battery staple'
// New names each time, so that it can run again.
const now = Date.now()
const [ada, grace] = [`ada${now}`, `grace${now}`]

const here = new PlazaClient({ url })
const there = new PlazaClient({ url })
await here.account.register({ username: ada, email: `${ada}@example.org`, password })
await there.account.register({ username: grace, email: `${grace}@example.org`, password })

const edited = Promise.withResolvers<void>()
there.on('message', ({ text }) => console.log('Grace hears:', text))
there.on('edited', ({ text }) => {
  console.log('and then:', text)
  edited.resolve()
})
await there.connect()

for await (const person of here.people.search(grace)) {
  const conversation = await here.talk.open(person.userId)
  const sent = await here.send(conversation.id, 'Hello!')
  await here.talk.edit(sent.id, 'Hello, Grace!')
}
await edited.promise
for await (const { lastMessage } of there.talk.conversations())
  console.log('The last was:', lastMessage?.text)
await Promise.all([here.close(), there.close()])
