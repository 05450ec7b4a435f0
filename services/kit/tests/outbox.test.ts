import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { z } from 'zod'
import { defineEvent, deliveredSubjectOf } from '../events.ts'
import { newId } from '../id.ts'
import { on, startInbox } from '../inbox.ts'
import { migrate } from '../migrate.ts'
import { startOutbox, toRow } from '../outbox.ts'
import { connectSql } from '../sql.ts'
import { eventually, testDeps } from '../testing.ts'
import { readTrace, runFor, sampledTraceparent } from '../trace.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const nats = await deps.host.nats()
const { log } = deps.host
const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 5 })
await migrate(DATABASE_URL, join(import.meta.dir, 'migrations'), log)
await sql`create table notes (id uuid primary key)`

const noted = defineEvent('message', 'note.made', z.object({ id: z.uuid() }))
const outbox = await startOutbox({
  sql,
  nats,
  log,
  streams: [{ name: 'MESSAGE', subjects: ['evt.note.>'] }],
  sweepMs: 100,
})
const seen: string[] = []
const traces = new Map<string, string | undefined>()
const inbox = await startInbox({
  sql,
  nats,
  log,
  retry: { maxAttempts: 2, pauseMs: () => 50 },
  subscriptions: [
    on(noted, 'message-count-notes', async (event) => {
      if (event.actor === 'poison') throw new Error('poison')
      traces.set(event.data.id, sampledTraceparent())
      seen.push(event.data.id)
    }),
  ],
})

async function makeNote(actor?: string) {
  const id = newId()
  await outbox.transaction(async (tx, emit) => {
    await tx`insert into notes (id) values (${id})`
    emit(noted.emit({ subject: id, data: { id }, actor }))
  })
  return id
}

test('an event reaches its consumer once and leaves nothing pending', async () => {
  const id = await makeNote()
  await eventually(() => expect(seen).toContain(id))
  await eventually(async () => expect(await sql`select from outbox_pending`).toHaveLength(0))
  expect(seen.filter((one) => one === id)).toHaveLength(1)
})

test('an event that is published as delivered reaches its consumers all the same', async () => {
  const id = newId()
  const row = toRow(noted.emit({ subject: id, data: { id } }))
  await nats.publish({ ...row, subject: deliveredSubjectOf(row) })
  await eventually(() => expect(seen).toContain(id))
})

test('who takes an event goes on with its trace', async () => {
  const trace = readTrace(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
  const [traced, untraced] = [await runFor({ trace }, () => makeNote()), await makeNote()]
  await eventually(() => expect(seen).toEqual(expect.arrayContaining([traced, untraced])))
  expect(traces.get(traced)).toBe(trace.traceparent)
  expect(traces.get(untraced)).toBeUndefined()
})

test('a change that fails emits nothing', async () => {
  const id = newId()
  const failing = outbox.transaction(async (tx, emit) => {
    await tx`insert into notes (id) values (${id})`
    emit(noted.emit({ subject: id, data: { id } }))
    throw new Error('changed my mind')
  })
  await expect(failing).rejects.toThrow('changed my mind')
  expect(await sql`select from outbox where subject like ${`%${id}`}`).toHaveLength(0)
})

test('an event stored while the broker is dead arrives when it is back', async () => {
  await deps.parts.nats.kill()
  const id = await makeNote()
  await deps.parts.nats.restart()
  await eventually(() => expect(seen).toContain(id), 30_000)
})

test('a broker that lost its folder is refilled, and the consumer takes each event once', async () => {
  const before = await makeNote()
  await eventually(() => expect(seen).toContain(before))
  await deps.parts.nats.kill()
  await deps.parts.nats.wipe()
  const during = await makeNote()
  await deps.parts.nats.restart()
  const after = await makeNote()
  await eventually(() => expect(seen).toEqual(expect.arrayContaining([during, after])), 30_000)
  expect(seen.filter((one) => one === before)).toHaveLength(1)
})

test('a stream deleted through the API is made again and refilled', async () => {
  await nats.jsm.streams.delete('MESSAGE')
  const id = await makeNote()
  await eventually(() => expect(seen).toContain(id), 30_000)
})

test('an event that its handler always fails on becomes a dead letter and holds up nothing', async () => {
  const id = await makeNote('poison')
  await eventually(async () => {
    const [letter] =
      await sql`select attempts, dead_at from inbox_failures where subject = ${`evt.note.made.${id}`}`
    expect(letter?.attempts).toBe(2)
    expect(letter?.deadAt).not.toBeNull()
  })
  const next = await makeNote()
  await eventually(() => expect(seen).toContain(next))
})

test.serial('stopping waits for the work', async () => {
  await inbox.stop()
  await outbox.stop()
  await sql.end()
})
