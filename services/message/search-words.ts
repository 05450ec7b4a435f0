import type { Sql, Transaction } from '@plaza/kit/sql'

/**
 * What parts words. Postgres' parser must not see these: it takes them for the makings of paths, hosts and
 * addresses, and the time it needs grows with the square of a text that is full of them.
 */
const separators =
  '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~\u00a0¡¿«»·‘’‚“”„–—…‹›\u2009\u202f\u3000、。「」！？，：'

/**
 * Letters that become small in a way of their own in JavaScript, by their place in the word even: İ in two characters,
 * Σ as σ or ς. Postgres has it otherwise, so a query would not find the very word that it holds.
 */
const [unruly, ruled] = ['İΣς', 'iσσ']
const rule = (text: string): string =>
  text.replaceAll(/[İΣς]/g, (letter) => ruled[unruly.indexOf(letter)] ?? letter)

const word = new RegExp(`[^\\s${RegExp.escape(separators)}]+`, 'g')

/** As many words of a query count, which bounds what ranking a message costs: it grows with their square. */
const mostWords = 16

/**
 * No word of a query is longer. What is longer is never put into form NFC as a whole, for the time that this needs
 * grows with the square of the accents in a row.
 */
const longestWord = 200

/** A part of a query: `-`, then a phrase or what stands without a space. */
const part = /(-?)(?:"([^"]*)"?|([^\s"]+))/g

export type SearchQuery = {
  /** For websearch_to_tsquery. */
  asked: string
  /** What hits are to show, in lower case. */
  wanted: ReadonlySet<string>
}

/** Reads words, `"a phrase"`, `or`, `-not`. What separators part without a space, such as an address, is a phrase. */
export function readQuery(query: string): SearchQuery {
  const asked: string[] = []
  const wanted = new Set<string>()
  let left = mostWords
  for (const [, not = '', phrase, chunk = ''] of query.matchAll(part)) {
    if (left === 0) break
    const words = findWords(phrase ?? chunk)
      .slice(0, left)
      .map(({ key }) => key)
    left -= words.length
    if (not === '' && /^or$/i.test(chunk)) asked.push('or')
    else if (words.length > 0) asked.push(`${not}"${words.join(' ')}"`)
    if (not === '') for (const each of words) wanted.add(each)
  }
  return { asked: asked.join(' '), wanted }
}

export type Word = { key: string; start: number; end: number }

/** The words of a text in form NFC and lower case, and where they stand in it. */
export const findWords = (text: string): Word[] =>
  [...text.matchAll(word)].map(({ 0: found, index: start }) => ({
    key: rule(found.length > longestWord ? found : found.normalize('NFC')).toLowerCase(),
    start,
    end: start + found.length,
  }))

/** The column `text` as the parser may see it: its words, in form NFC as those of a query are. */
export const separated = (sql: Sql | Transaction) => sql`
  translate(
    normalize(
      regexp_replace(
        translate(text, ${separators}, ${' '.repeat(separators.length)}),
        ${`\\S{${longestWord}}`}, '\\& ', 'g'
      ),
      nfc
    ),
    ${unruly}, ${ruled}
  )`
