import { afterAll, expect, test } from 'bun:test'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { killAtRandom, portsOf } from './faults.ts'
import { startTraffic, withoutBudgets } from './traffic.ts'

const plaza = await startPlaza({ each: true, env: withoutBudgets })
afterAll(() => plaza.stop())
const traffic = await startTraffic(plaza.url)
afterAll(() => traffic.stop())

for (const name of ['message-1', 'relay-1', 'websocket-1', 'auth-1', 'nats', 'redis', 'traefik', 'postgres'])
  test(`what was acknowledged survives kill -9 of ${name} and is delivered once`, async () => {
    await traffic.leave()
    await traffic.whisper()
    await traffic.flow(10)
    await killAtRandom(plaza, name)
    await traffic.flow(10)
    await traffic.verify()
  }, 180_000)

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(await portsOf(plaza))).toBe(0)
})
