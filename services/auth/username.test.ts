import { expect, test } from 'bun:test'
import { hashLooks, hashUsername, isUsername, tidyUsername } from './username.ts'

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

const alike = (one: string, other: string) => hashLooks(one).some((look) => hashLooks(other).includes(look))

test('names that look alike in small letters, in capitals or as they are written share a look', () => {
  for (const [one, other] of [
    ['Straße', 'STRASSE'],
    ['рау', 'pay'],
    ['ΚΑΤΟ', 'KATO'],
    ['ΚΑΤΟ', 'kato'],
    ['τομ', 'TOM'],
    ['ТОМЕК', 'TOMEK'],
    ['томек', 'Tomek'],
    ['ɑnna', 'anna'],
    ['oleɡ', 'oleg'],
    ['ali\u0307ce', 'alice'],
    ['KarI', 'karl'],
    ['pau1', 'paul'],
    ['b0b', 'BOB'],
    ['tom', 'torn'],
  ] as const)
    expect({ one, other, alike: alike(one, other) }).toEqual({ one, other, alike: true })
})

test('names that look different share no look', () => {
  for (const [one, other] of [
    ['anna', 'anne'],
    ['kari', 'karl'],
    ['Kari', 'Karl'],
    ['a.b', 'ab'],
    ['müller', 'muller'],
    ['Анна', 'Anna'],
  ] as const)
    expect({ one, other, alike: alike(one, other) }).toEqual({ one, other, alike: false })
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
    'ᴠiᴄᴏ',
    'ǀuca',
  ])
    expect({ bad, is: isUsername(tidyUsername(bad)) }).toEqual({ bad, is: false })
})
