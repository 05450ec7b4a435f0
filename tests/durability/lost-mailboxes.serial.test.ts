import { afterAll, expect, test } from 'bun:test'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { killAndReturn, portsOf } from './faults.ts'
import { startQueue } from './queue.ts'
import { copyFiles, redisOf } from './stores.ts'
import { startTraffic, withoutBudgets } from './traffic.ts'

const plaza = await startPlaza({ env: withoutBudgets })
afterAll(() => plaza.stop())
const traffic = await startTraffic(plaza.url)
afterAll(() => traffic.stop())
const queue = await startQueue(plaza, traffic.absent)
afterAll(() => queue.close())
const redis = await redisOf(plaza)
afterAll(() => redis.disconnect())

/** How often each device that is there had to repair itself. */
let repaired = 0
for (const { bySocket } of traffic.pairs) bySocket.client.on('repaired', () => void repaired++)

test('Redis emptied under traffic: devices repair themselves, and nothing is lost', async () => {
  await traffic.flow(10)
  await traffic.leave()
  await traffic.whisper()
  await queue.put('before Redis was emptied')
  await traffic.flow(10)
  await redis.flushall()
  await traffic.flow(10)
  await traffic.verify()
  await queue.delivered()
  expect(repaired).toBeGreaterThanOrEqual(traffic.pairs.length)
}, 180_000)

test('Redis restarted from an older copy of its files: devices repair themselves, and nothing is lost', async () => {
  await traffic.flow(10)
  const copy = await copyFiles(plaza, 'redis')
  await traffic.flow(5)
  await traffic.leave()
  await traffic.whisper()
  await queue.put('after the copy was made')
  await traffic.flow(10)
  const before = repaired
  await copy.putBack()
  await killAndReturn(plaza, 'redis')
  await traffic.flow(10)
  await traffic.verify()
  await queue.delivered()
  expect(repaired).toBeGreaterThanOrEqual(before + traffic.pairs.length)
}, 180_000)

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(await portsOf(plaza))).toBe(0)
})
