import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import { Line } from '@plaza/kit/text'
import type { Ctx } from '../context.ts'
import { findMembership } from '../conversation-row.ts'
import { type MessageRow, messageColumns, toMessage } from '../message-row.ts'
import { Message } from '../schema.ts'
import { indexConversations } from '../search-index.ts'

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
    'their case. Only plain messages of your own conversations are found, or of the one that ' +
    '`conversationId` names. Up to 100 on a page, the best matches first.\n\n' +
    '404 for a conversation that does not exist and for one of other people alike.',
  request: {
    query: PageQuery.extend({
      query: Line(200).openapi({ description: 'Words, "a phrase", or, -not' }),
      conversationId: Id.optional(),
    }),
  },
  responses: { 200: json(Page(Hit, 'SearchHit'), 'The best matches first, then the newest'), ...problems },
} as const)

const Key = z.tuple([z.number(), Id])
type Row = MessageRow & { rank: number; headline: string }

/** Searches the plain messages of one's own conversations, all that were stored before the question. */
export const searchMessages = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { query, conversationId, cursor, limit } = c.req.valid('query')
    const { userId } = userOf(c)
    const after = readCursor(cursor, Key)
    if (conversationId) await findMembership(ctx.sql, conversationId, userId)
    await indexConversations(ctx.sql, userId)
    const rows = await find(ctx, { userId, query, conversationId, after, limit: limit + 1 })
    return c.json(
      toPage(rows, limit, ({ rank, id }) => [rank, id], toHit),
      200,
    )
  })

const toHit = (row: Row): z.output<typeof Hit> => ({
  message: toMessage(row),
  snippet: toPieces(row.headline),
})

type Search = {
  userId: string
  query: string
  conversationId: string | undefined
  after: z.output<typeof Key> | undefined
  limit: number
}

/** The index holds both people's ids among the words; membership itself is looked up all the same. */
const find = ({ sql }: Ctx, { userId, query, conversationId, after, limit }: Search) => sql<Row[]>`
  with wanted as (
    select words, words && ${`'@${userId}'`}::tsquery as mine
    from websearch_to_tsquery('simple', ${query}) as words
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
  select rank, ${messageColumns(sql)},
    ts_headline(
      'simple',
      translate(messages.text, ${marks}, ''),
      wanted.words,
      ${`StartSel="${startMark}", StopSel="${stopMark}", MaxWords=30, MinWords=10`}
    ) as headline
  from hit
  cross join wanted
  join messages on messages.id = hit.id
  order by rank desc, messages.id desc`

const startMark = '\u0002'
const stopMark = '\u0003'
const marks = startMark + stopMark

function toPieces(headline: string): { text: string; match: boolean }[] {
  return headline.split(startMark).flatMap((part, index) => {
    const [match = '', rest] = index === 0 ? [undefined, part] : part.split(stopMark)
    return [
      { text: match, match: true },
      { text: rest ?? '', match: false },
    ].filter(({ text }) => text !== '')
  })
}
