import { afterAll, expect, setSystemTime, test } from 'bun:test'
import { join } from 'node:path'
import { z } from 'zod'
import { defineEvent } from './events.ts'
import { newId } from './id.ts'
import { createLog } from './log.ts'
import { refusedEvents } from './metrics.ts'
import { migrate } from './migrate.ts'
import { startOutbox, storeRows, toRow } from './outbox.ts'
import type { OutboxRow } from './publisher.ts'
import { connectSql } from './sql.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 5 })
const nats = await deps.host.nats()
const log = createLog('silent')
await migrate(DATABASE_URL, join(import.meta.dir, 'tests/migrations'), log)
const noted = defineEvent('message', 'note.made', z.object({ text: z.string() }))
const outbox = await startOutbox({
  sql,
  nats,
  log,
  streams: [{ name: 'MESSAGE', subjects: ['evt.note.>'], max_msg_size: 4_096 }],
  sweepMs: 100,
})
afterAll(async () => {
  await outbox.stop()
  await sql.end({ timeout: 1 })
})

const noteOf = (text: string) => toRow(noted.emit({ subject: newId(), data: { text } }))
const note = () => noted.emit({ subject: newId(), data: { text: 'hello' } })
const pending = async () =>
  (await sql<{ id: string }[]>`select id from outbox_pending order by id`).map(({ id }) => id)

test('an event that the broker refuses waits and is counted, and those about it leave', async () => {
  const refused = [noteOf('x'.repeat(8_192)), noteOf('x'.repeat(2 << 20))]
  const others = Array.from({ length: 700 }, () => noteOf('hello'))
  await sql.begin((tx) => storeRows(tx, [...refused, ...others]))
  await eventually(async () => expect(await pending()).toEqual(refused.map(({ id }) => id).toSorted()))
  expect((await nats.jsm.streams.info('MESSAGE')).state.messages).toBe(others.length)
  expect((await refusedEvents.get()).values).toMatchObject([{ value: refused.length }])
})

test('it leaves once the broker takes it', async () => {
  await nats.jsm.streams.update('MESSAGE', { max_msg_size: 16_384 })
  await eventually(async () => expect(await pending()).toHaveLength(1), 30_000)
})

test('there is a partition for events of each day of the next week, and at once after a sleep of many days', async () => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000)
  const store = (at: Date) =>
    sql`insert into outbox (id, created_at, subject, body, recipients) values (${newId()}, ${at}, 'x', '{}', '')`
  for (const days of [-1, 0, 3, 7]) await store(inDays(days))
  const later = inDays(30)
  await expect(store(later)).rejects.toThrow('no partition')
  setSystemTime(later)
  await eventually(() => store(later))
  setSystemTime()
})

test('what was committed is handed over and leaves for the broker by itself; what was undone is neither', async () => {
  // Its sweeper would bring what does not leave by itself.
  await outbox.stop()
  const handedOver: string[] = []
  const own = await startOutbox({
    ...{ sql, nats, log, streams: [], sweepMs: 60_000 },
    handOver: () => async (rows) => {
      handedOver.push(...(rows as OutboxRow[]).map(({ id }) => id))
      return []
    },
  })
  const before = (await nats.jsm.streams.info('MESSAGE')).state.messages
  const undone = own.transaction(async (_, emit) => {
    emit(note())
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  const committed = note()
  await own.transaction(async (_, emit) => emit(committed))
  expect(handedOver).toEqual([committed.event.id])
  await eventually(async () =>
    expect((await nats.jsm.streams.info('MESSAGE')).state.messages).toBe(before + 1),
  )
  await own.stop()
})

test('it is published as delivered when it is known to be, and otherwise for the broker to deliver, after a while at the latest', async () => {
  const { promise: answer, resolve } = Promise.withResolvers<boolean[]>()
  const lose = () => Promise.reject(new Error('lost'))
  const answers = [() => Promise.resolve([true, false]), lose, () => answer]
  const own = await startOutbox({
    ...{ sql, nats, log, streams: [], sweepMs: 60_000 },
    handOver: () => () => answers.shift()?.() ?? Promise.resolve([]),
  })
  const published = async (subject: string) =>
    await nats.jsm.streams.getMessage('MESSAGE', { last_by_subj: subject }).catch(() => null)
  const [delivered, missed, lost, late] = [note(), note(), note(), note()] as const
  await own.transaction(async (_, emit) => {
    emit(delivered)
    emit(missed)
  })
  await own.transaction(async (_, emit) => emit(lost))
  await own.transaction(async (_, emit) => emit(late))
  const subject = `evt.note.made.${delivered.event.subject}`
  await eventually(async () => expect(await published(`${subject}.delivered`)).not.toBeNull())
  for (const { event } of [missed, lost, late])
    await eventually(async () => expect(await published(`evt.note.made.${event.subject}`)).not.toBeNull())
  resolve([true])
  expect(await published(subject)).toBeNull()
  await own.stop()
})

test('a stop waits for what is just being swept, and leaves the rest to the next start', async () => {
  const own = await startOutbox({ sql, nats, log, streams: [], sweepMs: 10 })
  const rows = Array.from({ length: 1_200 }, () => noteOf('hello'))
  await sql.begin((tx) => storeRows(tx, rows))
  const ids = rows.map(({ id }) => id)
  let stopped: Promise<void> | undefined
  await sql.begin(async (tx) => {
    await tx`select from outbox where id = any(${ids}::uuid[]) for update`
    await eventually(async () => {
      const waiting = await sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      expect(waiting).toHaveLength(1)
    })
    stopped = own.stop()
  })
  await stopped
  expect((await pending()).filter((id) => ids.includes(id))).toHaveLength(700)
})
