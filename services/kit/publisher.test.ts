import { afterAll, expect, setSystemTime, test } from 'bun:test'
import { testParts } from '@plaza/infra/testing'
import { newId } from './id.ts'
import { createLog } from './log.ts'
import { connectNats } from './nats.ts'
import { ensureStream } from './stream.ts'
import { eventually } from './testing.ts'

const parts = await testParts({ redis: false })
const nats = await connectNats(parts.natsUrl, 'test', createLog('silent'))
afterAll(async () => {
  await nats.close()
  await parts.stop()
})
const row = (subject = 'evt.thing.made.1') => ({ id: newId(), subject, body: '{}', recipients: 'ada,bob' })
const thing = { name: 'THING', subjects: ['evt.thing.>'] }

test('each of many at once gets its own answer, and a repeat is known', async () => {
  await ensureStream(nats, thing)
  const rows = Array.from({ length: 500 }, () => row())
  const acks = await Promise.all(rows.map((one) => nats.publish(one)))
  expect(new Set(acks.map(({ seq }) => seq)).size).toBe(500)
  expect(acks.every(({ stream }) => stream === 'THING')).toBe(true)
  const again = await nats.publish(rows[7] ?? row())
  expect(again).toMatchObject({ duplicate: true, seq: acks[7]?.seq })
})

test('the event is stored with its text, its id and its recipients', async () => {
  const one = row()
  const { seq } = await nats.publish(one)
  const stored = await nats.jsm.streams.getMessage('THING', { seq })
  expect(stored?.string()).toBe('{}')
  expect(stored?.header.get('Nats-Msg-Id')).toBe(one.id)
  expect(stored?.header.get('Plaza-Recipients')).toBe('ada,bob')
})

test('what no stream takes is refused', async () => {
  await expect(nats.publish(row('evt.nothing.made.1'))).rejects.toThrow('no stream takes this subject')
})

test('what a stream refuses is refused with its reason', async () => {
  await ensureStream(nats, { name: 'FULL', subjects: ['full.>'], max_msgs: 1, discard: 'new' })
  await nats.publish(row('full.1'))
  await expect(nats.publish(row('full.1'))).rejects.toThrow('maximum messages exceeded')
})

test('what was under way when the connection broke is given up, and later ones arrive', async () => {
  // A broker that is stopped, not ended, takes what it is sent and answers nothing.
  await parts.nats.kill('SIGSTOP')
  const underWay = nats.publish(row()).catch((error: Error) => error.message)
  await Bun.sleep(50)
  await parts.nats.kill()
  expect(await underWay).toBe('the connection to the broker was lost')
  await parts.nats.restart()
  await eventually(async () => expect((await nats.publish(row())).stream).toBe('THING'))
})

test('a broker that does not answer is given up after a while', async () => {
  await parts.nats.kill('SIGSTOP')
  const answer = await nats.publish(row()).catch((error: Error) => error.message)
  await parts.nats.kill('SIGCONT')
  expect(answer).toBe('the broker did not answer')
})

test('a broker that does not answer is given up though the clock is set back meanwhile', async () => {
  await parts.nats.kill('SIGSTOP')
  const answer = nats.publish(row()).catch((error: Error) => error.message)
  setSystemTime(Date.now() - 3_600_000)
  expect(await answer).toBe('the broker did not answer')
  setSystemTime()
  await parts.nats.kill('SIGCONT')
})
