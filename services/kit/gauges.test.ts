import { afterAll, afterEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { freePort } from '@plaza/infra/ports'
import { z } from 'zod'
import { defineEvent } from './events.ts'
import { gaugeEvents } from './gauges.ts'
import { newId } from './id.ts'
import { createLog } from './log.ts'
import { registry } from './metrics.ts'
import { migrate } from './migrate.ts'
import { startOutbox } from './outbox.ts'
import { connectSql } from './sql.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const sql = connectSql({ url: DATABASE_URL, name: 'test' })
const nats = await deps.host.nats()
const log = createLog('silent')
await migrate(DATABASE_URL, join(import.meta.dir, 'tests/migrations'), log)
const noted = defineEvent('message', 'note.made', z.object({ text: z.string() }))
const outbox = await startOutbox({
  ...{ sql, nats, log, sweepMs: 100 },
  streams: [{ name: 'MESSAGE', subjects: ['evt.note.>'], max_msg_size: 4_096 }],
})
const stopGauges = gaugeEvents('noter', sql)
afterAll(async () => {
  stopGauges()
  await outbox.stop()
  await sql.end({ timeout: 1 })
})
afterEach(async () => {
  await sql`truncate outbox_pending, inbox_failures`
})

/** What somebody who asks for the metrics reads of a service, undefined where there is nothing. */
async function shown(name: string, service = 'noter'): Promise<number | undefined> {
  const [, value] =
    new RegExp(`^${name}\\{service="${service}"\\} (.+)$`, 'm').exec(await registry.metrics()) ?? []
  return value === undefined ? undefined : Number(value)
}

const emitNotes = (...texts: string[]) =>
  outbox.transaction(async (_, emit) => {
    for (const text of texts) emit(noted.emit({ subject: newId(), data: { text } }))
  })
const refused = 'x'.repeat(8_192)

test('with nothing that waits, every gauge says 0', async () => {
  expect(await shown('outbox_pending_events')).toBe(0)
  expect(await shown('outbox_oldest_pending_seconds')).toBe(0)
  expect(await shown('dead_letters')).toBe(0)
})

test('events that the broker does not answer for are counted until it has them', async () => {
  await deps.parts.nats.kill()
  await emitNotes('one', 'two', 'three')
  expect(await shown('outbox_pending_events')).toBe(3)
  await deps.parts.nats.restart()
  await eventually(async () => expect(await shown('outbox_pending_events')).toBe(0))
})

test('the oldest grows older, however often the broker is asked to take it', async () => {
  await emitNotes(refused)
  await sql`update outbox_pending set waiting_since = now() - interval '1 hour'`
  await emitNotes(refused)
  await eventually(async () =>
    expect(await sql`select from outbox_pending where refused_at is not null`).toHaveLength(2),
  )
  expect(await shown('outbox_pending_events')).toBe(2)
  expect(await shown('outbox_oldest_pending_seconds')).toBeWithin(3_600, 4_200)
})

test('a dead letter is counted, and a failure that is tried again is not', async () => {
  await sql`
    insert into inbox_failures (consumer, event_id, subject, body, recipients, error, dead_at)
    select 'noter-take-notes', gen_random_uuid(), 'evt.note.made', '{}', '', 'out of ink', dead_at
    from (values (now()), (null)) as failures (dead_at)`
  expect(await shown('dead_letters')).toBe(1)
})

test('no more than 10,001 rows are counted', async () => {
  await sql`insert into inbox_failures (consumer, event_id, subject, body, recipients, error, dead_at)
    select 'noter-take-notes', gen_random_uuid(), '', '', '', '', now() from generate_series(1, 12000)`
  expect(await shown('dead_letters')).toBe(10_001)
})

test('a database that is away leaves its service out, and the metrics answer', async () => {
  const away = connectSql({ url: `postgres://nobody@127.0.0.1:${await freePort()}/none`, name: 'test' })
  const stop = gaugeEvents('away', away)
  expect(await shown('outbox_pending_events', 'away')).toBeUndefined()
  expect(await shown('outbox_pending_events')).toBe(0)
  stop()
  await away.end({ timeout: 1 })
})

test('the metrics answer while a database does not, and however many ask, it is asked once', async () => {
  await sql.begin(async (tx) => {
    await tx`lock table inbox_failures in access exclusive mode`
    const answers = await Promise.all([shown('dead_letters'), shown('dead_letters'), shown('dead_letters')])
    expect(answers).toEqual([undefined, undefined, undefined])
    // Still waiting: no one's answer waited for it.
    const waiting = await sql`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%from inbox_failures%'`
    expect(waiting).toHaveLength(1)
  })
  await eventually(async () => expect(await shown('dead_letters')).toBe(0))
})

test('a service that has stopped leaves nothing behind', async () => {
  const stop = gaugeEvents('guest', sql)
  expect(await shown('dead_letters', 'guest')).toBe(0)
  stop()
  expect(await registry.metrics()).not.toContain('guest')
})
