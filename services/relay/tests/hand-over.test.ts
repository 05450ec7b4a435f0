import { expect, test } from 'bun:test'
import { deliveredSubjectOf } from '@plaza/kit/events'
import type { OutboxRow } from '@plaza/kit/publisher'
import { connectSql } from '@plaza/kit/sql'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { createHandOver } from '../hand-over.ts'
import { appendsKey } from '../keys.ts'
import { rowOf, startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps, nats, redis } = world
const { DATABASE_URL = '' } = await deps.environment('relay')
const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 1 })

const told = async (user: TestUser) => {
  const { epoch } = await world.place(user)
  return await world.read(user, { epoch, n: 0 })
}
const appends = async () => Number(await redis.get(appendsKey))
/** Waits until something that is handed over for somebody else arrives: all that came before it has been seen to by then. */
const untilItWorks = () =>
  eventually(async () => {
    const other = await deps.createUser()
    await world.handOver(rowOf([other.id], 'another'))
    await eventually(async () => expect(await told(other)).toEqual(['another']), 500)
  })

test('what is handed over is in the mailbox before the broker has it, and the broker need not bring it', async () => {
  await untilItWorks()
  const user = await deps.createUser()
  const row = rowOf([user.id], 'first')
  expect(await world.handOver(row)).toEqual([true])
  expect(await told(user)).toEqual(['first'])
  const before = await appends()
  await nats.publish({ ...row, subject: deliveredSubjectOf(row) })
  await world.publish([user.id], 'second')
  await eventually(async () => expect(await told(user)).toEqual(['first', 'second']))
  expect(await appends()).toBe(before + 1)
})

test('what follows an event that could not be handed over comes after it', async () => {
  const user = await deps.createUser()
  const [first, second] = [rowOf([user.id], 'first'), rowOf([user.id], 'second')] as const
  await deps.parts.redis.kill()
  expect(await world.handOver(first)).toEqual([false])
  await deps.parts.redis.restart()
  await untilItWorks()
  await world.handOver(second)
  await untilItWorks()
  expect(await told(user)).toEqual([])
  await nats.publish(first)
  await nats.publish(second)
  await eventually(async () => expect(await told(user)).toEqual(['first', 'second']))
  // Relay hears of its own append a moment after whoever looks at Redis.
  await Bun.sleep(100)
  expect(await world.handOver(rowOf([user.id], 'third'))).toEqual([true])
  expect(await told(user)).toEqual(['first', 'second', 'third'])
})

test('what was handed over to mailboxes that are lost is filled in again from the broker', async () => {
  const user = await deps.createUser()
  const row = rowOf([user.id], 'kept')
  expect(await world.handOver(row)).toEqual([true])
  await nats.publish({ ...row, subject: deliveredSubjectOf(row) })
  const generationOf = async () =>
    (await sql`select generation, refilled_generation from mailboxes`)[0] as Record<string, number>
  const { generation = 0 } = await generationOf()
  await world.rewindRedis('nothing')
  await eventually(async () =>
    expect(await generationOf()).toEqual({ generation: generation + 1, refilledGeneration: generation + 1 }),
  )
  expect(await told(user)).toEqual(['kept'])
})

test('what lay at the broker when relay started comes before what is handed over', async () => {
  const user = await deps.createUser()
  await world.stop()
  const missed = Array.from({ length: 4_000 }, (_, index) => rowOf([user.id], `missed ${index}`))
  await Promise.all(missed.map((row) => nats.publish(row)))
  const running = await world.start()
  await eventually(async () => expect(await running.ready()).toBe(true))
  await Bun.sleep(30)
  const next = rowOf([user.id], 'next')
  await world.handOver(next)
  await nats.publish(next)
  await eventually(async () => expect((await world.place(user)).n).toBe(4_001))
  const { epoch } = await world.place(user)
  expect(await world.read(user, { epoch, n: 4_000 })).toEqual(['next'])
  await untilItWorks()
})

test('what comes by the broker while it is being brought is left out, unless the mailboxes begin anew meanwhile', async () => {
  let current = 1
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>()
  const handOver = createHandOver({
    isCaughtUp: () => true,
    generation: { current: () => current },
    bring: () => stuck,
  })
  const [first, second] = [rowOf(['somebody'], 'first'), rowOf(['somebody'], 'second')]
  handOver.take([first])
  await Bun.sleep(1)
  handOver.take([second])
  const whetherFirst = handOver.isBrought(first.id)
  const whetherSecond = handOver.isBrought(second.id)
  current = 2
  release()
  expect(await whetherFirst).toBe(false)
  expect(await whetherSecond).toBe(true)
  expect(await handOver.isBrought(second.id)).toBe(false)
})

test('with too many waiting all of them are left to the broker, and what follows for the same people, too', async () => {
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>()
  const brought: OutboxRow[] = []
  const handOver = createHandOver({
    isCaughtUp: () => true,
    generation: { current: () => 1 },
    async bring(events) {
      brought.push(...events)
      await stuck
    },
  })
  const [first, second, third] = ['first', 'second', 'third'].map((text) => rowOf(['somebody'], text))
  if (!first || !second || !third) throw new Error('there are three')
  const firstAnswer = handOver.take([first])
  const many = Array.from({ length: 5_000 }, () => rowOf(['others'], 'more'))
  const otherAnswers = handOver.take([second, ...many])
  const thirdAnswer = handOver.take([third])
  release()
  await handOver.idle()
  expect(brought).toEqual([first])
  expect(await firstAnswer).toEqual([true])
  expect((await otherAnswers).some(Boolean)).toBe(false)
  expect(await thirdAnswer).toEqual([false])
  for (const { id } of [second, third]) handOver.arrived(id)
  const fourth = rowOf(['somebody'], 'fourth')
  handOver.take([fourth])
  await handOver.idle()
  expect(brought).toEqual([first, fourth])
})
