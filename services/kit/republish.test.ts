import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { newId } from './id.ts'
import { createLog } from './log.ts'
import { migrate } from './migrate.ts'
import type { Nats } from './nats.ts'
import { ensurePartitions } from './outbox.ts'
import { republish } from './republish.ts'
import { connectSql } from './sql.ts'
import { ensureStream } from './stream.ts'
import { testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const sql = connectSql({ url: `${DATABASE_URL}?statement_timeout=500`, name: 'test', connections: 2 })
const nats = await deps.host.nats()
const spec = { name: 'MESSAGE', subjects: ['evt.note.>'] }
await migrate(DATABASE_URL, join(import.meta.dir, 'tests/migrations'), createLog('silent'))
await ensurePartitions(sql)
await ensureStream(nats, spec)
afterAll(() => sql.end({ timeout: 1 }))

const before = new Date()
const { signal } = new AbortController()
const ids = Array.from({ length: 1_700 }, newId)
// All of one time, and between two milliseconds.
await sql`
  insert into outbox (id, subject, body, recipients, created_at)
  select id, 'evt.note.made.' || id, '{}', '', date_trunc('milliseconds', now()) + interval '321 microseconds'
  from unnest(${ids}::uuid[]) as made (id)`
await sql`insert into outbox (id, subject, body, recipients) values (${newId()}, 'evt.other.made.1', '{}', '')`

/** A broker that takes its time. */
const slowly = (published: string[]): Nats => ({
  ...nats,
  async publish(row) {
    published.push(row.id)
    await Bun.sleep(300)
    return await nats.publish(row)
  },
})

test('it takes longer than a statement may, and each event leaves once, those of one time, too', async () => {
  const published: string[] = []
  await republish({ sql, nats: slowly(published), signal }, spec, before)
  expect(published.toSorted()).toEqual(ids.toSorted())
  expect((await nats.jsm.streams.info('MESSAGE')).state.messages).toBe(ids.length)
})

test('it ends after the page at which it is told to stop, and says so', async () => {
  const published: string[] = []
  const stopping = new AbortController()
  const running = republish({ sql, nats: slowly(published), signal: stopping.signal }, spec, before)
  stopping.abort()
  await expect(running).rejects.toThrow('aborted')
  expect(published.length).toBeLessThanOrEqual(500)
})

test('what is older than the time is left out', async () => {
  const published: string[] = []
  await republish({ sql, nats: slowly(published), signal }, spec, new Date(Date.now() + 1_000))
  expect(published).toEqual([])
})

test('what the broker refuses is left to the sweeper, and the rest leaves', async () => {
  const [large, small] = [newId(), newId()]
  const since = new Date(Date.now() - 1)
  await sql`
    insert into outbox (id, subject, body, recipients)
    values
      (${large}, 'evt.note.made.1', repeat('x', 2 << 20), ''),
      (${small}, 'evt.note.made.2', '{}', '')`
  const published: string[] = []
  await republish({ sql, nats: slowly(published), signal }, spec, since)
  expect(published.toSorted()).toEqual([large, small].toSorted())
  const waiting = await sql`
    select id
    from outbox_pending
    join outbox using (id, created_at)`
  expect([...waiting]).toEqual([{ id: large }])
})
