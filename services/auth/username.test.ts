import { expect, test } from 'bun:test'
import { hashUsername, isUsername, tidyUsername } from './username.ts'

const same = (one: string, other: string) => hashUsername(one).equals(hashUsername(other))

test('names that differ in case, width or look-alike letters are one', () => {
  for (const [one, other] of [
    ['Anna', 'anna'],
    ['Straße', 'STRASSE'],
    ['ﬁona', 'fiona'],
    ['ａｎｎａ', 'anna'],
    ['Zoe\u0301', 'Zoé'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
    ['рау', 'pay'],
  ] as const)
    expect({ one, other, same: same(one, other) }).toEqual({ one, other, same: true })
})

test('names that look different are different', () => {
  for (const [one, other] of [
    ['anna', 'anne'],
    ['a.b', 'ab'],
    ['müller', 'muller'],
  ] as const)
    expect(same(one, other)).toBe(false)
})

test('letters and digits of one script, with single signs between', () => {
  for (const good of ['anna', 'a1', 'o.k-a_y', 'Анна', 'Ελένη', 'محمد', 'नेहा', '花子hana', '김철수', 'zoé'])
    expect({ good, is: isUsername(tidyUsername(good)) }).toEqual({ good, is: true })
  for (const bad of [
    '',
    '.a',
    'a.',
    'a--b',
    'a b',
    'a@b',
    'аnna',
    'Αnna',
    'a\u200db',
    'a\u{1f600}',
    '<a>',
    'ㅤ',
  ])
    expect({ bad, is: isUsername(tidyUsername(bad)) }).toEqual({ bad, is: false })
})
