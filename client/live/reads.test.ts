import { expect, test } from 'bun:test'
import { createReads } from './reads.ts'

const read = (readSeq: number) => ({ type: 'receipt', conversationId: 'c', readSeq }) as const

test('what was read is left until the second answer, and never less than was read before', () => {
  const reads = createReads()
  reads.note(read(5))
  reads.confirm()
  reads.note(read(3))
  const again = { type: 'receipt', conversationId: 'c', readSeq: 5, deliveredSeq: 5 } as const
  expect(reads.left()).toEqual([again])
  reads.confirm()
  expect(reads.left()).toEqual([again])
  reads.confirm()
  expect(reads.left()).toEqual([])
})
