import { setImmediate as nextTurn } from 'node:timers/promises'
import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Transaction } from '@plaza/kit/sql'
import { Line } from '@plaza/kit/text'
import { createTurns } from '@plaza/kit/turns'
import type { Ctx } from '../context.ts'
import { findMembership } from '../conversation-row.ts'
import { excerptOf } from '../excerpt.ts'
import { type MessageRow, messageColumns, toMessage } from '../message-row.ts'
import { Message } from '../schema.ts'
import { indexConversations, withinTime } from '../search-index.ts'
import { readQuery } from '../search-words.ts'

const Hit = z
  .object({
    message: Message,
    snippet: z
      .array(z.object({ text: z.string(), match: z.boolean() }))
      .openapi({ description: 'The part of the text that matches, in pieces; plain text, not HTML' }),
  })
  .openapi('SearchHit')

const route = createRoute({
  method: 'get',
  path: '/api/v1/search/messages',
  operationId: 'searchMessages',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Search in your messages',
  description:
    '`query` is 1 to 200 characters: words, `"a phrase"`, `or`, `-not`. Words match whole, whatever ' +
    'their case and Unicode form; the first 16 count. Punctuation parts words: `anna@example.com` finds ' +
    'those three words one after the other. Only plain messages of your own conversations are found, or of the one that ' +
    '`conversationId` names. Up to 100 on a page, the best matches first.\n\n' +
    '404 for a conversation that does not exist and for one of other people alike. 503 `overloaded` while ' +
    'too many searches run, 503 `busy` while much is being indexed: ask again.',
  request: {
    query: PageQuery.extend({
      query: Line(200).openapi({ description: 'Words, "a phrase", or, -not' }),
      conversationId: Id.optional(),
    }),
  },
  responses: { 200: json(Page(Hit, 'SearchHit'), 'The best matches first, then the newest'), ...problems },
} as const)

const Key = z.tuple([z.number(), Id])
type Row = MessageRow & { rank: number }

/** So few of the pool's connections go to searches that no send waits for them. */
const searchesAtOnce = 3
const turnWaitMs = 2_000

/** Searches the plain messages of one's own conversations, all that were stored before the question. */
export const searchMessages = (ctx: Ctx) => {
  const inTurn = createTurns({ atOnce: searchesAtOnce, waitMs: turnWaitMs })
  return defineRoute(route, async (c) => {
    const { query, conversationId, cursor, limit } = c.req.valid('query')
    const { userId } = userOf(c)
    const after = readCursor(cursor, Key)
    if (conversationId) await findMembership(ctx.sql, conversationId, userId)
    const { asked, wanted } = readQuery(query)
    const rows = await inTurn(userId, async () => {
      await indexConversations(ctx, userId)
      const search = { userId, asked, conversationId, after, limit: limit + 1 }
      return await withinTime(ctx.sql, (tx) => find(tx, search))
    })
    const page = toPage(
      rows,
      limit,
      ({ rank, id }) => [rank, id],
      (row) => row,
    )
    return c.json({ ...page, items: await toHits(page.items, wanted) }, 200)
  })
}

/** One in each turn of the event loop: a long text takes milliseconds, and nobody is to wait for a hundred of them. */
async function toHits(rows: readonly Row[], wanted: ReadonlySet<string>) {
  const hits: z.output<typeof Hit>[] = []
  for (const row of rows) {
    hits.push({ message: toMessage(row), snippet: excerptOf(row.text ?? '', wanted) })
    await nextTurn()
  }
  return hits
}

type Search = {
  userId: string
  asked: string
  conversationId: string | undefined
  after: z.output<typeof Key> | undefined
  limit: number
}

/** The index holds both people's ids among the words; membership itself is looked up all the same. */
const find = async (sql: Transaction, { userId, asked, conversationId, after, limit }: Search) =>
  await sql<Row[]>`
  with wanted as (
    select words, words && ${`'@${userId}'`}::tsquery as mine
    from websearch_to_tsquery('simple', ${asked}) as words
    where numnode(words) > 0
  ),
  hit as (
    select messages.id, rank
    from wanted
    join search_documents document on document.words @@ mine
    join memberships on memberships.id = document.conversation_id and memberships.user_id = ${userId}
    join messages on messages.conversation_id = document.conversation_id and messages.seq = document.seq
    cross join lateral (select ts_rank(document.words, wanted.words, 1)::float8 as rank) as judged
    where messages.text is not null
      and ${conversationId ? sql`document.conversation_id = ${conversationId}` : sql`true`}
      and ${after ? sql`(rank, messages.id) < (${after[0]}::float8, ${after[1]}::uuid)` : sql`true`}
    order by rank desc, messages.id desc
    limit ${limit}
  )
  select rank, ${messageColumns(sql)}
  from hit
  join messages on messages.id = hit.id
  order by rank desc, messages.id desc`
