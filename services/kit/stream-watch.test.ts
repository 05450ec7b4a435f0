import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { z } from 'zod'
import { defineEvent } from './events.ts'
import { newId } from './id.ts'
import { on, startInbox } from './inbox.ts'
import { createLog } from './log.ts'
import { migrate } from './migrate.ts'
import { startOutbox } from './outbox.ts'
import { connectSql } from './sql.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 5 })
const nats = await deps.host.nats()
const log = createLog('silent')
await migrate(sql, join(import.meta.dir, 'tests/migrations'), log)
const noted = defineEvent('message', 'note.made', z.object({}))
const outbox = await startOutbox({
  sql,
  nats,
  log,
  streams: [{ name: 'MESSAGE', subjects: ['evt.note.>'] }],
  sweepMs: 100,
})

const seen: string[] = []
const start = () =>
  startInbox({
    sql,
    nats,
    log,
    subscriptions: [on(noted, 'message-see-notes', async ({ id }) => void seen.push(id))],
  })
let inbox = await start()
afterAll(async () => {
  await inbox.stop()
  await outbox.stop()
  await sql.end({ timeout: 1 })
})

async function makeNote(): Promise<string> {
  const emission = noted.emit({ subject: newId(), data: {} })
  await outbox.transaction(async (_tx, emit) => emit(emission))
  return emission.event.id
}
const acknowledged = () =>
  eventually(async () => expect(await sql`select from outbox_pending`).toHaveLength(0))
const arrived = (ids: string[]) => eventually(() => expect(seen).toEqual(expect.arrayContaining(ids)), 40_000)

/** Events that the broker has acknowledged while nobody was reading. */
async function makeUnread(): Promise<string[]> {
  const first = await makeNote()
  await arrived([first])
  await inbox.stop()
  const ids: string[] = []
  for (let count = 0; count < 20; count += 1) ids.push(await makeNote())
  await acknowledged()
  return ids
}

test('a wiped broker gets back what it had acknowledged and nobody had read', async () => {
  const ids = await makeUnread()
  await deps.parts.nats.kill()
  await deps.parts.nats.wipe()
  await deps.parts.nats.restart()
  inbox = await start()
  await arrived(ids)
  expect(new Set(seen).size).toBe(seen.length)
})

test('a broker that lost its last second without a sign gets it back after its restart', async () => {
  const ids = await makeUnread()
  const { state } = await nats.jsm.streams.info('MESSAGE')
  // As after a power failure, the stream goes on counting, and the broker remembers only the ids of what it has.
  for (let seq = state.last_seq - 4; seq <= state.last_seq; seq += 1)
    await nats.jsm.streams.deleteMessage('MESSAGE', seq)
  await deps.parts.nats.kill()
  await deps.parts.nats.restart()
  inbox = await start()
  await arrived(ids)
  expect(new Set(seen).size).toBe(seen.length)
})

test('a stream deleted through the API gets back what nobody had read', async () => {
  const ids = await makeUnread()
  await nats.jsm.streams.delete('MESSAGE')
  inbox = await start()
  await arrived(ids)
  expect(new Set(seen).size).toBe(seen.length)
})

test('a stream that was emptied gets back what nobody had read', async () => {
  const ids = await makeUnread()
  await nats.jsm.streams.purge('MESSAGE')
  inbox = await start()
  await arrived(ids)
  expect(new Set(seen).size).toBe(seen.length)
})
