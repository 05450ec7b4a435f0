import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { AckPolicy } from '@nats-io/jetstream'
import { z } from 'zod'
import { defineEvent } from './events.ts'
import { newId } from './id.ts'
import { on, startInbox } from './inbox.ts'
import { createLog } from './log.ts'
import { migrate } from './migrate.ts'
import { startOutbox } from './outbox.ts'
import { isRefusal } from './publisher.ts'
import { connectSql } from './sql.ts'
import { watchStreams } from './stream-watch.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const { DATABASE_URL = '' } = await deps.environment('message')
const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 5 })
const nats = await deps.host.nats()
const log = createLog('silent')
await migrate(DATABASE_URL, join(import.meta.dir, 'tests/migrations'), log)
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

test('a full stream refuses events rather than drop what nobody has read, and takes them again when there is room', async () => {
  const spec = { name: 'RELAY', subjects: ['evt.queue.>'], max_bytes: 64 << 10 }
  const watch = await watchStreams({ sql, nats, log, streams: [spec], everyMs: 100 })
  try {
    const { name } = await nats.jsm.consumers.add('RELAY', {
      durable_name: 'slow',
      ack_policy: AckPolicy.Explicit,
    })
    const publish = () =>
      nats.publish({ id: newId(), subject: 'evt.queue.made', body: 'x'.repeat(4_096), recipients: '' })
    const refused = await eventually(async () => {
      const [failure] = (await Promise.allSettled(Array.from({ length: 4 }, publish))).flatMap((result) =>
        result.status === 'rejected' ? [result.reason] : [],
      )
      return failure ?? expect.unreachable()
    })
    expect(isRefusal(refused)).toBe(false)
    await Bun.sleep(500)
    const { state } = await nats.jsm.streams.info('RELAY')
    expect(state.first_seq).toBe(1)
    const consumer = await nats.js.consumers.get('RELAY', name)
    for await (const message of await consumer.fetch({ max_messages: state.messages, expires: 2_000 }))
      message.ack()
    await eventually(async () => expect((await publish()).seq).toBeGreaterThan(state.last_seq))
    const after = await nats.jsm.streams.info('RELAY')
    expect(after.state.first_seq).toBeGreaterThan(1)
    expect(after.state.messages).toBeGreaterThanOrEqual(Math.floor(state.messages / 2))
  } finally {
    await watch.stop()
  }
})

test('a stream that an earlier version made gets the settings of this one', async () => {
  const [before, after] = [['evt.page.>'], ['evt.page.>', 'evt.leaf.>']]
  for (const subjects of [before, after]) {
    const watch = await watchStreams({ sql, nats, log, streams: [{ name: 'BOOK', subjects }] })
    await watch.stop()
  }
  expect((await nats.jsm.streams.info('BOOK')).config.subjects).toEqual(after)
})

test('a subject that an instance of an earlier version takes away is taken back', async () => {
  const subjects = ['evt.sheet.>', 'evt.line.>']
  const watch = await watchStreams({ sql, nats, log, streams: [{ name: 'PAPER', subjects }], everyMs: 50 })
  await nats.jsm.streams.update('PAPER', { subjects: ['evt.sheet.>'] })
  await eventually(async () =>
    expect((await nats.jsm.streams.info('PAPER')).config.subjects).toEqual(subjects),
  )
  await watch.stop()
})

test('a broker that was restarted is asked again from the same time on until it has everything', async () => {
  const spec = { name: 'QUEUE', subjects: ['evt.list.>'] }
  const watch = await watchStreams({ sql, nats, log, streams: [spec], everyMs: 60_000 })
  await watch.stop()
  await sql`
    insert into outbox (id, subject, body, recipients)
    values (${newId()}, 'evt.list.made', '{}', '')`
  await sql`
    update outbox_streams
    set server_id = 'another', checked_at = now() - interval '2 minutes', consumed_until = now() - interval '2 minutes'
    where stream = 'QUEUE'`
  await nats.jsm.consumers.add('QUEUE', { durable_name: 'quick', ack_policy: AckPolicy.Explicit })
  const booting = { ...nats, publish: () => Promise.reject(new Error('the broker did not answer')) }
  const checked = watchStreams({ sql, nats: booting, log, streams: [spec], everyMs: 60_000 })
  expect(checked).rejects.toThrow('did not answer')
  await checked.catch(() => {})
  const [row] = await sql`
    select consumed_until < now() - interval '90 seconds' as kept
    from outbox_streams
    where stream = 'QUEUE'`
  expect(row?.kept).toBe(true)
})

test('what several servers of a cluster are called is remembered, so that none is taken for a restarted one', async () => {
  await sql`update outbox_streams set server_id = 's3 s2 s1' where stream = 'MESSAGE'`
  await eventually(async () => {
    const [row] = await sql`select server_id from outbox_streams where stream = 'MESSAGE'`
    expect(row?.serverId).toMatch(/^[A-Z0-9]{20,} s3 s2 s1$/)
  })
})
