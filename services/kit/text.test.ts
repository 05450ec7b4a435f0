import { expect, test } from 'bun:test'
import { isBlank, Line, Text } from './text.ts'

test('a text keeps its lines, and holds neither NUL nor half a character', () => {
  expect(Text(20).parse('one\ntwo\t→ 👍')).toBe('one\ntwo\t→ 👍')
  for (const bad of ['a\0b', '\ud83d', '\udc4d\ud83d']) expect(Text(20).safeParse(bad).success).toBe(false)
  expect(Text(3, 2).safeParse('a').success).toBe(false)
  expect(Text(3).safeParse('abcd').success).toBe(false)
})

test('a text of which nothing shows is blank', () => {
  const blanks = ['', ' \n\t\u3000', '\u200b\u200c\u200d\u200e\u200f', '\u2060\ufeff\u00ad', '\0\u0085']
  const fillers = ['\u3164', '\u115f\u1160', '\u2800', '\ufe0f', '\u{e0067}\u{e007f}', '\u0301', '\u034f']
  for (const text of [...blanks, ...fillers]) expect({ text, is: isBlank(text) }).toEqual({ text, is: true })
})

test('a text is not blank for what it holds besides', () => {
  const emoji = ['👩\u200d👩\u200d👧', '☺\ufe0f', '1\ufe0f\u20e3', '🏴\u{e0067}\u{e007f}', '\u{1faff}']
  const words = ['.', ' a\n', 'می\u200cخواهم', 'न\u093f', 'e\u0301', '\uf8ff']
  for (const text of [...emoji, ...words]) expect({ text, is: isBlank(text) }).toEqual({ text, is: false })
})

test('a line is trimmed and composed, and has no control characters', () => {
  expect(Line(10).parse('  Zoe\u0308 ')).toBe('Zoë')
  for (const bad of ['', '   ', 'a\nb', 'a\u007fb']) expect(Line(10).safeParse(bad).success).toBe(false)
})

test('a line has something to see', () => {
  for (const bad of ['\u200b', '\u3164', '\u115f\u1160', '\u2800', '\u0301', '\u00ad \u2060', '\ue000'])
    expect({ bad, is: Line(10).safeParse(bad).success }).toEqual({ bad, is: false })
  for (const good of ['a', '7', '…', '👍', '👩\u200d👩\u200d👧', '☺\ufe0f', 'न\u093f', '李'])
    expect(Line(10).parse(good)).toBe(good.normalize('NFC'))
})

test('a line neither ends within itself nor turns the direction of what follows', () => {
  for (const sign of '\u2028\u2029\u0085\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')
    expect({ sign, is: Line(10).safeParse(`a${sign}b`).success }).toEqual({ sign, is: false })
  // The marks that put signs beside Hebrew and Arabic into place turn nothing.
  expect(Line(10).parse('שלום\u200f!')).toBe('שלום\u200f!')
})
