import { expect, test } from 'bun:test'
import { createAcks } from './acks.ts'

test('a cursor counts as done when all before it are', () => {
  const done: string[] = []
  const acks = createAcks((cursor) => done.push(cursor))
  const [first, second, third] = ['e-1', 'e-2', 'e-3'].map((cursor) => acks.take(cursor))
  second?.()
  expect(done).toEqual([])
  first?.()
  expect(done).toEqual(['e-2'])
  third?.()
  expect(done).toEqual(['e-2', 'e-3'])
})

test('what an ended connection still had under way moves nothing', () => {
  const done: string[] = []
  const acks = createAcks((cursor) => done.push(cursor))
  const first = acks.take('e-1')
  acks.close()
  first()
  expect(done).toEqual([])
})
