import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { catchUps } from '../metrics.ts'
import { numbers, numbersOf, startWorld } from './_world.ts'

// No look at mailboxes but those that events cause.
const world = await startWorld(import.meta.path, { CHECK_SECONDS: '3600' })
const { deps } = world

test('while what a mailbox points at cannot be read, it is tried now and then, however much comes meanwhile', async () => {
  const ada = await deps.createUser()
  const { cursor } = await world.open(ada)
  await world.startMessage()
  const real = deps.host.local.get('message')
  deps.host.local.set('message', () => new Response('gone', { status: 502 }))
  await world.publish([ada.id], 1, { text: 'x'.repeat(2_000) })
  const back = await world.open(ada, { cursor })
  await world.publish([ada.id], 100, { from: 1 })
  await eventually(async () => expect(await deps.host.redis().xlen(`relay:{${ada.id}}`)).toBe(101))
  expect(numbersOf(back)).toEqual([])
  const [before, startedAt] = [await tries(), performance.now()]
  await eventually(async () => expect(await tries()).toBeGreaterThanOrEqual(before + 4))
  expect(performance.now() - startedAt).toBeGreaterThan(1_000)
  if (real) deps.host.local.set('message', real)
  // The message that the first one points at does not exist, so the rest follows.
  await eventually(() => expect(numbersOf(back)).toEqual(numbers(100, 1)))
})

const tries = async () => (await catchUps.get()).values[0]?.value ?? 0
