import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Transaction } from '@plaza/kit/sql'
import { Line } from '@plaza/kit/text'
import { createTurns } from '@plaza/kit/turns'
import type { Ctx } from '../context.ts'
import { queryWords } from '../name-words.ts'
import { type PersonRow, toPerson } from '../people.ts'
import { Person } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/users',
  operationId: 'searchUsers',
  'x-access': 'user',
  tags: ['People'],
  summary: 'Search for people by name',
  description:
    'Matches the beginning of the username, then of the display name, then of its later words; several ' +
    'words must all match. Case and accents do not count. `query` is 1 to 64 characters; up to 100 ' +
    'people on a page. People whom you have blocked are left out. Those who have blocked you are not, ' +
    'so that nobody learns of a block.',
  request: {
    query: PageQuery.extend({
      query: Line(64).openapi({ description: 'The beginning of a username, or of words of a name' }),
    }),
  },
  responses: { 200: json(Page(Person, 'Person'), 'The people found, the best matches first'), ...problems },
} as const)

const Cursor = z.tuple([z.string(), z.int().min(0).max(2), z.string(), Id])
const nobody = '00000000-0000-0000-0000-000000000000'
/** The greatest character there is, so that `word < prefix + last` ends a prefix for the index. */
const last = '\u{10ffff}'

type Row = PersonRow & { rank: number; word: string }

/** A search for beginnings that never meet reads all names with one of them: it keeps nobody else waiting. */
const searchesAtOnce = 3
const turnWaitMs = 2_000

/**
 * Finds people by the beginning of their username, then of their display name, then of a later word;
 * accents and case do not count. Whom the caller has blocked is left out. Who has blocked the caller is not:
 * someone who vanished from the search would tell of the block.
 */
export const searchUsers = (ctx: Ctx) => {
  const inTurn = createTurns({ atOnce: searchesAtOnce, waitMs: turnWaitMs })
  return defineRoute(route, async (c) => {
    const { query, limit, cursor } = c.req.valid('query')
    const { userId } = userOf(c)
    const words = queryWords(query)
    const [led, ...after] = readCursor(cursor, Cursor) ?? [undefined, -1, '', nobody]
    const found = await inTurn(userId, () =>
      ctx.sql.begin(async (tx) => {
        await tx`select set_config('statement_timeout', '3s', true)`
        const prefix = words.find((word) => word === led) ?? (await findRarest(tx, words))
        if (prefix === undefined) return { prefix: '', rows: [] }
        const rows = await tx<Row[]>`
      select found.rank, found.word, user_id, username, display_name, avatar
      from generate_series(0, 2) as ranks (rank)
      cross join lateral (
        select name_words.rank, word, name_words.user_id
        from name_words
        where name_words.rank = ranks.rank
          and word >= ${prefix}
          and word < ${prefix + last}
          and (name_words.rank, word, name_words.user_id) > (${after[0]}, ${after[1]}, ${after[2]}::uuid)
          and not exists (
            select from name_words as better
            where better.user_id = name_words.user_id
              and better.word >= ${prefix}
              and better.word < ${prefix + last}
              and (better.rank, better.word) < (name_words.rank, name_words.word)
          )
          and not exists (
            select from unnest(${words}::text[]) as wanted (beginning)
            where not exists (
              select from name_words as known
              where known.user_id = name_words.user_id and starts_with(known.word, wanted.beginning)
            )
          )
          and not exists (
            select from relations
            where owner_id = ${userId} and other_id = name_words.user_id and blocked
          )
        order by word, name_words.user_id
        limit ${limit + 1}
      ) as found
      join people using (user_id)
      where erased_at is null
      order by found.rank, found.word, user_id
      limit ${limit + 1}`
        return { prefix, rows }
      }),
    )
    const { prefix, rows } = found
    return c.json(
      toPage(rows, limit, ({ rank, word, userId }) => [prefix, rank, word, userId], toPerson),
      200,
    )
  })
}

/** The word that the fewest names begin with, so that a search for several goes by the one that narrows it most. */
async function findRarest(sql: Transaction, words: string[]): Promise<string | undefined> {
  if (words.length < 2) return words[0]
  const [rarest] = await sql<{ beginning: string }[]>`
    select beginning
    from unnest(${words}::text[]) as wanted (beginning)
    cross join lateral (
      select count(*) as names
      from (
        select from name_words
        where rank = any('{0,1,2}')
          and word >= beginning collate "C"
          and word < beginning || ${last} collate "C"
        limit 1000
      ) as few
    ) as counted
    order by names, length(beginning) desc, beginning
    limit 1`
  return rarest?.beginning
}
