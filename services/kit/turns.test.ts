import { expect, test } from 'bun:test'
import { createTurns } from './turns.ts'

test('so many work at once, one for each key, and the next begins when one has ended', async () => {
  const inTurn = createTurns({ atOnce: 2, waitMs: 10_000 })
  const begun: string[] = []
  const start = (name: string) => {
    const gate = Promise.withResolvers<void>()
    const done = inTurn(name.charAt(0), () => {
      begun.push(name)
      return gate.promise
    })
    return async () => {
      gate.resolve()
      await done
    }
  }
  const [endA1, endA2, endB, endC] = ['a1', 'a2', 'b', 'c'].map(start)
  await Bun.sleep(0)
  expect(begun).toEqual(['a1', 'b'])
  await endB?.()
  expect(begun).toEqual(['a1', 'b', 'c'])
  await endA1?.()
  expect(begun).toEqual(['a1', 'b', 'c', 'a2'])
  await Promise.all([endA2?.(), endC?.()])
})

test('who waits too long is refused, disturbs nobody, and a failure gives the turn back', async () => {
  const inTurn = createTurns({ atOnce: 1, waitMs: 1 })
  const gate = Promise.withResolvers<void>()
  const first = inTurn('a', () => gate.promise)
  const second = inTurn('b', async () => 'never')
  expect(second).rejects.toMatchObject({ code: 'unavailable', options: { reason: 'overloaded' } })
  await second.catch(() => {})
  gate.resolve()
  await first
  expect(inTurn('c', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  expect(await inTurn('d', async () => 'done')).toBe('done')
})
