import type { Transaction } from '@plaza/kit/sql'

type Name = { userId: string; username: string; displayName: string | null }

/** Letters, digits and pictures begin a word where nothing of that kind stands before them. */
const wordStart = /(?<![\p{L}\p{N}\p{So}])[\p{L}\p{N}\p{So}]/gu

/** Writes down anew where a search may begin to match a person's names. */
export async function writeNameWords(
  tx: Transaction,
  { userId, username, displayName }: Name,
): Promise<void> {
  const ranked = [
    ...wordsOf(username).map((word, index) => ({ rank: index === 0 ? 0 : 2, word })),
    ...wordsOf(displayName ?? '').map((word, index) => ({ rank: index === 0 ? 1 : 2, word })),
  ]
  await tx`delete from name_words where user_id = ${userId}`
  await tx`
    insert into name_words (user_id, rank, word)
    select ${userId}::uuid, rank, word
    from unnest(${ranked.map(({ rank }) => rank)}::int[], ${ranked.map(({ word }) => word)}::text[]) as ranked (rank, word)
    on conflict do nothing`
}

/** What a query asks for: each must be the beginning of some word. Beyond six they are ignored. */
export const queryWords = (query: string): string[] =>
  chunksOf(query)
    .flatMap((chunk) => startsOf(chunk).slice(0, 1))
    .slice(0, 6)

/** Each word with the rest of its chunk, so that `smith-jo` and `jones` both find Smith-Jones. */
const wordsOf = (text: string): string[] => chunksOf(text).flatMap(startsOf)

const startsOf = (chunk: string): string[] =>
  [...chunk.matchAll(wordStart)].map(({ index }) => chunk.slice(index))

/** Without accents and case. Upper case, since lower case keeps apart what people do not: ß and ss, ς and σ. */
const chunksOf = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toUpperCase()
    .split(/\s+/)
    .filter((chunk) => chunk !== '')
