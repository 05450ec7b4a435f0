import { expect, test } from 'bun:test'
import { z } from 'zod'
import { PageQuery, QueryInt, readCursor, toPage, writeCursor } from './page.ts'
import { isProblem } from './problem.ts'

const Key = z.tuple([z.int(), z.string()])

test('a cursor comes back as it was written', () => {
  expect(readCursor(writeCursor([3, 'ä→']), Key)).toEqual([3, 'ä→'])
  expect(readCursor(undefined, Key)).toBeUndefined()
})

for (const cursor of [
  '',
  'x',
  writeCursor(['3', 'a']),
  writeCursor([3]),
  Buffer.from('{').toString('base64url'),
])
  test(`the cursor «${cursor}» is refused as invalid`, () => {
    let error: unknown
    try {
      readCursor(cursor, Key)
    } catch (thrown) {
      error = thrown
    }
    expect(isProblem(error, 'cursor_invalid')).toBe(true)
  })

test('a page has a next one only when there was a row more than asked for', () => {
  const rows = [1, 2, 3]
  const page = (limit: number) =>
    toPage(
      rows,
      limit,
      (row) => [row, ''],
      (row) => row * 10,
    )
  expect(page(3)).toEqual({ items: [10, 20, 30], nextCursor: null })
  expect(page(2)).toEqual({ items: [10, 20], nextCursor: writeCursor([2, '']) })
})

test('a page holds 1 to 100 items', () => {
  expect(PageQuery.parse({})).toEqual({ limit: 50 })
  for (const limit of ['0', '101', '1.5', 'x', '-1', ''])
    expect(PageQuery.safeParse({ limit }).success).toBe(false)
})

test('a number in a query is written in digits, and nothing is no 0', () => {
  const Place = QueryInt(-5, 5).optional()
  expect(['0', '3', '-3', undefined].map((text) => Place.parse(text))).toEqual([0, 3, -3, undefined])
  for (const text of ['', ' ', '6', '0x1', '1e0', '+1', '1.0', ['1'], []])
    expect({ text, is: Place.safeParse(text).success }).toEqual({ text, is: false })
})
