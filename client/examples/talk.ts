/**
 * A person at a terminal. With Plaza running, open two terminals:
 *
 *     bun client/examples/talk.ts ben cleo
 *     bun client/examples/talk.ts cleo ben
 *
 * Stop one with Ctrl-C or Ctrl-D, write on in the other, start it again: it goes on where it was. What it needs for
 * that is in `~/.plaza-talk`, a file for each name and server; without its file it is a new device.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isLoggedOut, type Message, PlazaClient, PlazaError } from '../index.ts'
import { fileStorage } from './file-storage.ts'

const [me = '', other = '', url = 'http://localhost:8000'] = process.argv.slice(2)
if (!me || !other) fail('usage: bun client/examples/talk.ts <me> <the other> [url]', 2)

const file = `${me}@${new URL(url).host}.json`.replace(/[^\w.@-]/g, '_')
const storage = fileStorage(join(homedir(), '.plaza-talk', file))
const plaza = new PlazaClient({ url, storage })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)

await plaza.account.me().catch(enter)
const person = await find()
const conversation = await plaza.talk.open(person.userId)

// Messages are told in the order of `seq`, so one number says what this terminal has shown.
const key = `talk.${conversation.id}`
const kept = await storage.get(key)
let shown = Number(kept)
const show = ({ conversationId, seq, senderId, text }: Message) => {
  if (conversationId !== conversation.id || seq <= shown) return
  shown = seq
  void storage.set(key, `${seq}`)
  console.log(`${senderId === person.userId ? other : me}: ${text}`)
  // The next one says it again, should this be lost.
  plaza.read(conversationId, seq).catch(() => {})
}

const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
plaza.on('message', (message) => void begun.then(() => show(message)))
plaza.on('state', ({ state }) => console.log(`(${state})`))
await plaza.connect()
console.log(`You talk with ${other}. Type, and press Enter; Ctrl-C ends.`)
// The first time there is nothing to go on from; ever after the client tells what was missed.
if (kept === null) for (const message of await latest()) show(message)
begin()

for await (const line of createInterface({ input: process.stdin })) {
  // One's own line is shown once it is stored, in place of what was typed.
  if (process.stdin.isTTY) process.stdout.write('\x1b[1A\x1b[2K')
  if (!line.trim()) continue
  await plaza
    .send(conversation.id, line)
    .catch((error) => console.log(`not sent: ${line} (${error.message})`))
}
await stop()

/** Makes the account, or logs in to it. */
async function enter(error: unknown) {
  if (!isLoggedOut(error)) return fail(String(error))
  const password = `${me} likes long passwords`
  await plaza.account.register({ username: me, email: `${me}@example.org`, password }).catch((refused) => {
    if (!(refused instanceof PlazaError) || refused.code !== 'conflict') return fail(String(refused))
    return plaza.account
      .logIn({ login: me, password })
      .catch(() => fail(`${me} has an account with another password`))
  })
}

/** Waits for the other one to have an account. */
async function find() {
  for (let tries = 0; ; tries += 1) {
    for await (const found of plaza.people.search(other)) if (found.username === other) return found
    if (tries === 0) console.log(`waiting for ${other} to come`)
    await Bun.sleep(1_000)
  }
}

async function latest() {
  const { items } = await plaza.talk.history(conversation.id, { limit: 50 })
  return items.sort((a, b) => a.seq - b.seq)
}

/** Writes down how far this device is, and ends. */
async function stop() {
  await plaza.close()
  process.exit()
}

function fail(message: string, code = 1): never {
  console.error(message)
  process.exit(code)
}
