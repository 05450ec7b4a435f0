import { afterAll, expect, test } from 'bun:test'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { killAndReturn, portsOf } from './faults.ts'
import { startQueue } from './queue.ts'
import { natsOf, removeFiles, takeAway } from './stores.ts'
import { startTraffic, withoutBudgets } from './traffic.ts'

const plaza = await startPlaza({ env: withoutBudgets })
afterAll(() => plaza.stop())
const traffic = await startTraffic(plaza.url)
afterAll(() => traffic.stop())
const queue = await startQueue(plaza, traffic.absent)
afterAll(() => queue.close())
const nats = await natsOf(plaza)
afterAll(() => nats.close())

const whileAway = async (lose: () => Promise<unknown>) => {
  await traffic.flow(10)
  await traffic.leave()
  await traffic.flow(5)
  await queue.put(`note ${Bun.randomUUIDv7()}`)
  await lose()
  await traffic.flow(10)
  await traffic.verify()
  await queue.delivered()
}

test('NATS killed and its folder removed under traffic: nothing is lost', async () => {
  await whileAway(async () => {
    await takeAway(plaza, 'nats')
    await killAndReturn(plaza, 'nats')
  })
}, 180_000)

test('the folder removed from under a NATS that goes on acknowledging, then killed: nothing is lost', async () => {
  await whileAway(async () => {
    await removeFiles(plaza, 'nats')
    await traffic.flow(5)
    await killAndReturn(plaza, 'nats')
  })
}, 180_000)

test('all streams deleted through the API under traffic: nothing is lost', async () => {
  await whileAway(async () => {
    for await (const { config } of nats.jsm.streams.list()) await nats.jsm.streams.delete(config.name)
  })
}, 180_000)

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(await portsOf(plaza))).toBe(0)
})
