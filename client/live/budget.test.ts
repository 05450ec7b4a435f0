import { expect, test } from 'bun:test'
import { createBudget } from './budget.ts'

const ping = { type: 'ping' } as const
const watch = { type: 'watch', userIds: Array.from({ length: 20 }, (_, number) => `${number}`) } as const

test('a fifth of a minute’s frames go at once, the rest with time', () => {
  let now = 0
  const budget = createBudget(60, () => now)
  const takeAll = () => {
    let taken = 0
    while (budget.take(ping)) taken += 1
    return taken
  }
  expect(takeAll()).toBe(12)
  now += 3_000
  expect(takeAll()).toBe(3)
  now += 3_600_000
  expect(takeAll()).toBe(12)
})

test('what goes in any case counts as well, and people watched as the server counts them', () => {
  let now = 0
  const budget = createBudget(60, () => now)
  for (let count = 0; count < 4; count += 1) budget.spend({ ...watch, userIds: [...watch.userIds] })
  expect(budget.take(ping)).toBe(false)
  budget.spend(ping)
  now += 1_000
  expect(budget.take(ping)).toBe(false)
  now += 1_000
  expect(budget.take(ping)).toBe(true)
})

test('a clock that is set back leaves the room that there was', () => {
  let now = 3_600_000
  const budget = createBudget(60, () => now)
  now = 0
  expect(budget.take(ping)).toBe(true)
})
