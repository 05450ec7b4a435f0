import { findWords, type Word } from './search-words.ts'

export type Piece = { text: string; match: boolean }

const mostShown = 30
const shownBefore = 5

/** The part of a text that holds the most of the wanted words, the first if there are several, in pieces. */
export function excerptOf(text: string, wanted: ReadonlySet<string>): Piece[] {
  const words = findWords(text)
  const first = findPlace(words, wanted)
  const last = first + mostShown
  const shown = words.slice(first, last)
  const pieces: Piece[] = []
  let at = first === 0 ? 0 : (shown[0]?.start ?? 0)
  for (const { key, start, end } of shown) {
    if (!wanted.has(key)) continue
    pieces.push({ text: text.slice(at, start), match: false }, { text: text.slice(start, end), match: true })
    at = end
  }
  pieces.push({ text: text.slice(at, last < words.length ? shown.at(-1)?.end : undefined), match: false })
  return pieces.filter((piece) => piece.text !== '')
}

/** Which word to begin with. */
function findPlace(words: readonly Word[], wanted: ReadonlySet<string>): number {
  const hits = words.flatMap(({ key }, index) => (wanted.has(key) ? [{ key, index }] : []))
  const within = new Map<string, number>()
  let place = 0
  let most = 0
  let oldest = 0
  for (const { key, index } of hits) {
    within.set(key, index)
    while ((hits[oldest]?.index ?? index) <= index - mostShown) oldest += 1
    for (const [other, seen] of within) if (seen <= index - mostShown) within.delete(other)
    if (within.size <= most) continue
    most = within.size
    place = Math.max(0, (hits[oldest]?.index ?? index) - shownBefore, index - mostShown + 1)
  }
  return place
}
