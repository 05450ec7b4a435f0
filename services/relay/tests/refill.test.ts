import { afterAll, expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { createLog } from '@plaza/kit/log'
import { connectSql } from '@plaza/kit/sql'
import { ensureStream } from '@plaza/kit/stream'
import { messageStream } from '@plaza/message/events'
import { type Appender, createAppender } from '../appender.ts'
import { startGeneration } from '../generation.ts'
import { refillMailboxes } from '../refill.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
// Its own refill would take turns with that of the test.
await world.stop()
const { deps, nats, redis } = world
const log = createLog('silent')
const { DATABASE_URL = '' } = await deps.environment('relay')
const sql = connectSql({ url: `${DATABASE_URL}?statement_timeout=500`, name: 'test', connections: 4 })
const generation = await startGeneration({ sql, redis, nats, log })
afterAll(async () => {
  await generation.stop()
  await sql.end({ timeout: 1 })
})
const config = { MAILBOX_FRAMES: 4_096, MAILBOX_BYTES: 4 << 20, MAILBOXES_PER_CALL: 50 }
const real = createAppender({ redis, generation, log, config })
const { signal } = new AbortController()

/** Runs the refill again, with something done before each append. */
async function refill(beforeEach: (count: number) => Promise<unknown>, stopping: AbortSignal = signal) {
  await sql`update mailboxes set refilled_generation = 0`
  let count = 0
  const appender: Appender = {
    async append(mail, options) {
      count += 1
      await beforeEach(count)
      return await real.append(mail, options)
    },
  }
  const frames = await refillMailboxes({ sql, nats, log, appender, signal: stopping })
  return { frames, count }
}
const isRefilled = async () => {
  const [row] = await sql`select refilled_generation = generation as refilled from mailboxes`
  return row?.refilled
}

const user = await deps.createUser()
await sql`
  insert into queue_items (id, user_id, body, expires_at)
  select id, ${user.id}, '{}', now() + interval '1 day'
  from unnest(${Array.from({ length: 900 }, newId)}::uuid[]) as made (id)`

test('it may take longer than a statement may, and appends what was enqueued page by page', async () => {
  const { frames, count } = await refill(() => Bun.sleep(200))
  expect(frames).toBe(900)
  expect(count).toBeLessThan(10)
  expect(await isRefilled()).toBe(true)
  expect((await world.place(user)).n).toBe(900)
})

test('told to stop, it ends with the page and is not taken for done', async () => {
  const stopping = new AbortController()
  let appends = 0
  const refilling = refill(async (count) => {
    appends = count
    stopping.abort()
  }, stopping.signal)
  await expect(refilling).rejects.toThrow('aborted')
  expect(appends).toBe(1)
  expect(await isRefilled()).toBe(false)
})

test('a stream that is deleted meanwhile does not hold it up', async () => {
  await Promise.all(Array.from({ length: 1_000 }, () => world.publish([user.id], 'hello')))
  const refilling = refill(async (count) => {
    if (count === 1) await nats.jsm.streams.delete('MESSAGE')
  })
  await expect(refilling).rejects.toThrow()
  expect(await isRefilled()).toBe(false)
  await ensureStream(nats, messageStream)
  expect((await refill(async () => undefined)).frames).toBe(900)
})
