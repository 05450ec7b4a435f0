import { afterAll, expect, test } from 'bun:test'
import { z } from 'zod'
import { startConsumer } from './consumer.ts'
import { defineEvent } from './events.ts'
import { newId } from './id.ts'
import { createLog, type Log } from './log.ts'
import { toRow } from './outbox.ts'
import { ensureStream } from './stream.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const nats = await deps.host.nats()
const spec = { name: 'THINGS', subjects: ['evt.thing.>'] }
const made = defineEvent('thing', 'thing.made', z.object({}), 'THINGS')
await ensureStream(nats, spec)

class Outage extends Error {}
let isAway = false
let checks = 0
const handled: string[] = []
let attempts = 0
const consumer = await startConsumer({
  nats,
  log: createLog('silent'),
  stream: 'THINGS',
  durable: 'test-count-things',
  subjects: ['evt.thing.made.*'],
  isOutage: (error) => error instanceof Outage,
  async healthy() {
    checks += 1
    if (isAway) throw new Outage()
  },
  async handle(messages) {
    attempts += 1
    if (isAway) throw new Outage()
    for (const message of messages) {
      handled.push(message.headers?.get('Nats-Msg-Id') ?? '')
      message.ack()
    }
  },
})
afterAll(() => consumer.stop())

async function publish(): Promise<string> {
  const row = toRow(made.emit({ subject: newId(), data: {} }))
  await nats.publish(row)
  return row.id
}
const arrived = (id: string) => eventually(() => expect(handled).toContain(id), 40_000)

test('messages are handled in their order', async () => {
  const ids: string[] = []
  for (let count = 0; count < 50; count += 1) ids.push(await publish())
  await eventually(() => expect(handled).toEqual(ids))
})

test('while what the handler needs is away it asks for no message and counts no failure; after, none is lost', async () => {
  isAway = true
  const before = attempts
  const ids = [await publish(), await publish()]
  await eventually(() => expect(checks).toBeGreaterThan(2))
  expect(attempts).toBe(before + 1)
  isAway = false
  for (const id of ids) await arrived(id)
})

test('its durable deleted, the consumer is made again', async () => {
  await nats.jsm.consumers.delete('THINGS', 'test-count-things')
  await arrived(await publish())
})

test('its stream deleted and made anew, the consumer reads the new one within seconds', async () => {
  await nats.jsm.streams.delete('THINGS')
  await ensureStream(nats, spec)
  await arrived(await publish())
})

test('the broker killed and back, the consumer goes on', async () => {
  await deps.parts.nats.kill()
  await deps.parts.nats.restart()
  await eventually(() => expect(nats.connected()).toBe(true))
  await arrived(await eventually(publish, 30_000))
})

test('what is held past the time the broker waits does not come again, and what comes again is held once', async () => {
  await nats.jsm.streams.purge('THINGS')
  const gate = Promise.withResolvers<void>()
  const taken: number[] = []
  const slow = await startConsumer({
    nats,
    log: createLog('silent'),
    stream: 'THINGS',
    durable: 'test-hold-things',
    subjects: ['evt.thing.made.*'],
    maxBatch: 5,
    ackWaitMs: 1_000,
    isOutage: () => false,
    healthy: async () => undefined,
    async handle(messages) {
      await gate.promise
      for (const message of messages) {
        taken.push(message.seq)
        message.ack()
      }
    },
  })
  for (let count = 0; count < 20; count += 1) await publish()
  const info = () => nats.jsm.consumers.info('THINGS', 'test-hold-things')
  await eventually(async () => expect((await info()).num_ack_pending).toBe(20))
  await Bun.sleep(2_500)
  expect((await info()).delivered.consumer_seq).toBe(20)
  const last = (await info()).delivered.stream_seq
  // As if the broker had not heard in time: one of those in hand, and one of those that wait.
  for (const [seq, place] of [
    [last - 19, 1],
    [last, 20],
  ])
    nats.connection.publish(`$JS.ACK.THINGS.test-hold-things.1.${seq}.${place}.0.0`, '-NAK')
  await eventually(async () => expect((await info()).delivered.consumer_seq).toBe(22))
  gate.resolve()
  await eventually(async () => expect((await info()).num_ack_pending).toBe(0))
  await slow.stop()
  expect(taken).toEqual(Array.from({ length: 20 }, (_, index) => last - 19 + index))
})

test('started with other subjects than before, it goes on where it was', async () => {
  await nats.jsm.streams.purge('THINGS')
  const start = (subject: string, heard: string[]) =>
    startConsumer({
      nats,
      log: createLog('silent'),
      stream: 'THINGS',
      durable: 'test-follow-things',
      subjects: [subject],
      isOutage: () => false,
      healthy: async () => undefined,
      async handle(messages) {
        for (const message of messages) {
          heard.push(message.headers?.get('Nats-Msg-Id') ?? '')
          message.ack()
        }
      },
    })
  const [before, after]: [string[], string[]] = [[], []]
  const old = await start('evt.thing.>', before)
  const first = await publish()
  await eventually(() => expect(before).toEqual([first]))
  await old.stop()
  const second = await publish()
  const upgraded = await start('evt.thing.made.*', after)
  await eventually(() => expect(after).toEqual([second]))
  await upgraded.stop()
})

test('a subject that an instance of an earlier version takes away is taken back', async () => {
  const heard: string[] = []
  const own = await startConsumer({
    nats,
    log: createLog('silent'),
    stream: 'THINGS',
    durable: 'test-widen-things',
    subjects: ['evt.thing.made.*', 'evt.thing.new.*'],
    isOutage: () => false,
    healthy: async () => undefined,
    async handle(messages) {
      for (const message of messages) {
        heard.push(message.subject)
        message.ack()
      }
    },
  })
  const filters = async () =>
    (await nats.jsm.consumers.info('THINGS', 'test-widen-things')).config.filter_subjects
  await eventually(async () => expect(await filters()).toHaveLength(2))
  await nats.jsm.consumers.update('THINGS', 'test-widen-things', { filter_subjects: ['evt.thing.made.*'] })
  await eventually(async () => expect(await filters()).toHaveLength(2))
  await nats.publish({ id: newId(), subject: 'evt.thing.new.x', body: '{}', recipients: '' })
  await eventually(() => expect(heard).toContain('evt.thing.new.x'))
  await own.stop()
})

test('what fails again and again in the same way is said once', async () => {
  const lines: string[] = []
  const say = (_: unknown, text: string) => void lines.push(text)
  let attempts = 0
  const failing = await startConsumer({
    nats,
    log: { ...createLog('silent'), error: say, info: say } as Log,
    stream: 'THINGS',
    durable: 'test-fail-things',
    subjects: ['evt.thing.made.*'],
    isOutage: () => false,
    healthy: async () => undefined,
    async handle() {
      attempts += 1
      throw new Error('the disk is full')
    },
  })
  await publish()
  await eventually(() => expect(attempts).toBeGreaterThan(2))
  await failing.stop()
  expect(lines).toEqual(['consumer paused'])
})

test('stopped right after its start, it ends', async () => {
  const brief = await startConsumer({
    nats,
    log: createLog('silent'),
    stream: 'THINGS',
    durable: 'test-begin-things',
    subjects: ['evt.thing.made.*'],
    isOutage: () => false,
    healthy: async () => undefined,
    handle: async () => undefined,
  })
  expect(await Promise.race([brief.stop().then(() => 'ended'), Bun.sleep(10_000)])).toBe('ended')
})
