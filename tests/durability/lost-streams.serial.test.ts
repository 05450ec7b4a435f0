import { afterAll, expect, test } from 'bun:test'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { killForAnother, portsOf } from './faults.ts'
import { startQueue } from './queue.ts'
import { natsOf, removeFiles, takeAway } from './stores.ts'
import { startTraffic, withoutBudgets } from './traffic.ts'

const plaza = await startPlaza({ each: true, env: withoutBudgets })
afterAll(() => plaza.stop())
const traffic = await startTraffic(plaza.url)
afterAll(() => traffic.stop())
const queue = await startQueue(plaza, traffic.absent)
afterAll(() => queue.close())
const nats = await natsOf(plaza)
afterAll(() => nats.close())

/** Relay is held meanwhile, so that events are lost which NATS has acknowledged and nobody has read. */
const whileNobodyReads = async (lose: () => Promise<unknown>) => {
  await traffic.flow(10)
  await traffic.leave()
  await queue.put(`note ${Bun.randomUUIDv7()}`)
  await plaza.kill('relay-1', 'SIGSTOP')
  await traffic.flow(10)
  await traffic.whisper()
  await lose()
  await plaza.kill('relay-1', 'SIGCONT')
  await traffic.flow(10)
  await traffic.verify()
  await queue.delivered()
}

test('NATS killed and its folder removed under traffic: nothing is lost', async () => {
  await whileNobodyReads(async () => {
    await takeAway(plaza, 'nats')
    await killForAnother(plaza, 'nats')
  })
}, 180_000)

test('the folder removed from under a NATS that goes on acknowledging, then killed: nothing is lost', async () => {
  await whileNobodyReads(async () => {
    await removeFiles(plaza, 'nats')
    await traffic.flow(5)
    await killForAnother(plaza, 'nats')
  })
}, 180_000)

test('all streams deleted through the API under traffic: nothing is lost', async () => {
  await whileNobodyReads(async () => {
    for await (const { config } of nats.jsm.streams.list()) await nats.jsm.streams.delete(config.name)
  })
}, 180_000)

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(await portsOf(plaza))).toBe(0)
})
