import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { z } from 'zod'
import { dropDeadLetters, listDeadLetters, replayDeadLetter, showDeadLetters } from './dead-letters.ts'
import { defineEvent } from './events.ts'
import { newId } from './id.ts'
import { on, startInbox } from './inbox.ts'
import { migrate } from './migrate.ts'
import { startOutbox } from './outbox.ts'
import { connectSql } from './sql.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 4 })
const nats = await deps.host.nats()
const { log } = deps.host
await migrate(DATABASE_URL, join(import.meta.dir, 'tests/migrations'), log)
const noted = defineEvent('message', 'note.made', z.object({}))
const outbox = await startOutbox({ sql, nats, log, streams: [{ name: 'MESSAGE', subjects: ['evt.note.>'] }] })

let isBroken = true
let isDiskFull = false
let attempts = 0
const taken: string[] = []
const consumer = 'message-take-notes'
const inbox = await startInbox({
  sql,
  nats,
  log,
  retry: { maxAttempts: 1, pauseMs: () => 10 },
  subscriptions: [
    on(noted, consumer, async (event, tx) => {
      attempts += 1
      if (isDiskFull) await tx`do $$ begin raise 'no space left' using errcode = 'disk_full'; end $$`
      if (isBroken) throw new Error('out of ink')
      taken.push(event.id)
    }),
  ],
})
afterAll(async () => {
  await inbox.stop()
  await outbox.stop()
  await sql.end({ timeout: 1 })
})

async function makeDeadLetter(): Promise<string> {
  const emission = noted.emit({ subject: newId(), data: {}, recipients: ['someone'] })
  isBroken = true
  await outbox.transaction(async (_tx, emit) => emit(emission))
  await eventually(async () => expect(await showDeadLetters(sql, emission.event.id)).toHaveLength(1))
  return emission.event.id
}

test('a dead letter is listed and shown with its text, its error and its recipients', async () => {
  const eventId = await makeDeadLetter()
  expect(await listDeadLetters(sql)).toContainEqual(
    expect.objectContaining({ consumer, eventId, attempts: 1, error: 'Error: out of ink' }),
  )
  const [letter] = await showDeadLetters(sql, eventId)
  expect(letter?.recipients).toBe('someone')
  expect(JSON.parse(letter?.body ?? '')).toMatchObject({ id: eventId, type: 'note.made' })
})

test('replayed, its effect is taken once and it is gone', async () => {
  const eventId = await makeDeadLetter()
  isBroken = false
  expect(await replayDeadLetter(nats, { consumer, eventId })).toBeUndefined()
  expect(taken.filter((id) => id === eventId)).toHaveLength(1)
  expect(await showDeadLetters(sql, eventId)).toEqual([])
  expect(await replayDeadLetter(nats, { consumer, eventId })).toContain('no such dead letter')
  expect(taken.filter((id) => id === eventId)).toHaveLength(1)
})

test('a replay that fails says why and keeps the letter', async () => {
  const eventId = await makeDeadLetter()
  expect(await replayDeadLetter(nats, { consumer, eventId })).toBe('Error: out of ink')
  expect(await showDeadLetters(sql, eventId)).toEqual([expect.objectContaining({ attempts: 2 })])
})

test('a dropped letter is gone for good', async () => {
  const eventId = await makeDeadLetter()
  expect(await dropDeadLetters(sql, eventId)).toBe(1)
  expect(await showDeadLetters(sql, eventId)).toEqual([])
  expect(await dropDeadLetters(sql, eventId)).toBe(0)
})

test('a replay for a service that does not run says so', async () => {
  const answer = await replayDeadLetter(nats, { consumer: 'nobody-listens', eventId: newId() })
  expect(answer).toContain('does not run')
})

test('what the database had no room for is no dead letter, and is taken when there is some', async () => {
  await dropAll()
  isBroken = false
  isDiskFull = true
  attempts = 0
  const emission = noted.emit({ subject: newId(), data: {} })
  await outbox.transaction(async (_tx, emit) => emit(emission))
  await eventually(() => expect(attempts).toBeGreaterThan(1))
  expect(await listDeadLetters(sql)).toEqual([])
  isDiskFull = false
  await eventually(() => expect(taken).toContain(emission.event.id))
})

test('what nobody gave an id, or holds what no database keeps, is set aside and holds up nothing', async () => {
  await dropAll()
  const texts = ['no event', '{"id":"\0"}']
  for (const text of texts) await nats.js.publish(`evt.note.made.${newId()}`, text)
  isBroken = false
  const emission = noted.emit({ subject: newId(), data: {} })
  await outbox.transaction(async (_tx, emit) => emit(emission))
  await eventually(() => expect(taken).toContain(emission.event.id))
  const letters = await listDeadLetters(sql)
  const bodies = await Promise.all(
    letters.map(async ({ eventId }) => (await showDeadLetters(sql, eventId))[0]?.body),
  )
  expect(bodies.toSorted()).toEqual(['no event', '{"id":"\ufffd"}'])
})

async function dropAll(): Promise<void> {
  for (const { eventId } of await listDeadLetters(sql)) await dropDeadLetters(sql, eventId)
}
