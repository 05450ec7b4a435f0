import { afterAll, expect, test } from 'bun:test'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { killAtRandom, portsOf } from './faults.ts'
import { startTraffic, withoutBudgets } from './traffic.ts'

const plaza = await startPlaza({ env: withoutBudgets })
afterAll(() => plaza.stop())
const traffic = await startTraffic(plaza.url)
afterAll(() => traffic.stop())

// Parts of every kind are killed where each service is a process; here only what is particular to one process.
for (const name of ['services', 'services', 'postgres'])
  test(`with all services in one process, what was acknowledged survives kill -9 of ${name}`, async () => {
    await traffic.flow(10)
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
