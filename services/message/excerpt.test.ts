import { expect, test } from 'bun:test'
import { excerptOf } from './excerpt.ts'

const filler = (count: number) => 'x '.repeat(count)
const shown = (text: string, ...wanted: string[]) => excerptOf(text, new Set(wanted))
const textOf = (pieces: { text: string }[]) => pieces.map(({ text }) => text).join('')

test('a short text is shown whole, with its punctuation', () => {
  expect(shown('“Red, green!”', 'green')).toEqual([
    { text: '“Red, ', match: false },
    { text: 'green', match: true },
    { text: '!”', match: false },
  ])
  expect(shown('nothing', 'green')).toEqual([{ text: 'nothing', match: false }])
  expect(shown('…', 'green')).toEqual([{ text: '…', match: false }])
})

test('of a long text the thirty words are shown that hold most of what was asked for', () => {
  const text = `${filler(50)}red ${filler(50)}one two three four five red green ${filler(50)}red`
  expect(textOf(shown(text, 'red', 'green'))).toBe(`one two three four five red green ${filler(23).trim()}`)
  expect(textOf(shown(`${filler(50)}end`, 'end'))).toBe(`${filler(5)}end`)
  expect(textOf(shown(filler(50), 'end'))).toBe(filler(30).trim())
  const apart = `red ${filler(28)}green`
  expect(textOf(shown(`${filler(40)}${apart}`, 'red', 'green'))).toBe(apart)
})
