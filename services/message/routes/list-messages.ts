import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { QueryInt } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findMembership } from '../conversation-row.ts'
import { type MessageRow, messageColumns, toMessage } from '../message-row.ts'
import { Message } from '../schema.ts'

const Place = QueryInt(0, 2_147_483_647).optional()
const Query = z
  .object({
    before: Place.openapi({ description: 'The messages before this `seq`' }),
    after: Place.openapi({ description: 'The messages after this `seq`' }),
    around: Place.openapi({ description: 'This `seq` in the middle' }),
    limit: QueryInt(1, 100).default(50),
  })
  .refine(
    ({ before, after, around }) => [before, after, around].filter((at) => at !== undefined).length <= 1,
    {
      message: 'Give one of before, after and around',
      path: ['before'],
    },
  )

const History = z
  .object({
    items: z.array(Message),
    before: z
      .int()
      .nullable()
      .openapi({ description: '`before` of the page of older ones; null at the beginning' }),
    after: z.int().nullable().openapi({ description: '`after` of the page of newer ones; null at the end' }),
  })
  .openapi('History')

const route = createRoute({
  method: 'get',
  path: '/api/v1/conversations/{conversationId}/messages',
  operationId: 'listMessages',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Turn the pages of a conversation',
  description:
    'Give one of `before`, `after` and `around`, or none for the latest messages. Up to 100 on a page, ' +
    'always in ascending order of `seq`. `before` and `after` of the answer are what the next request ' +
    'in that direction takes. A deleted message stays in its place without its content.\n\n' +
    '404 for a conversation that does not exist and for one of other people alike.',
  request: { params: z.object({ conversationId: Id }), query: Query },
  responses: {
    200: json(History, 'Messages in the order of `seq`; without a place, the latest'),
    ...problems,
  },
} as const)

/** A conversation's history in either direction. Since `seq` has no holes, a page is a range of it. */
export const listMessages = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { conversationId } = c.req.valid('param')
    const { seq } = await findMembership(ctx.sql, conversationId, userOf(c).userId)
    const { first, last } = rangeOf(c.req.valid('query'), seq)
    const rows = await ctx.sql<MessageRow[]>`
      select ${messageColumns(ctx.sql)}
      from messages
      where conversation_id = ${conversationId} and seq between ${first} and ${last}
      order by seq`
    return c.json(
      {
        items: rows.map(toMessage),
        before: first > 1 ? first : null,
        after: last < seq ? last : null,
      },
      200,
    )
  })

/** The first and last `seq` of a page, of a conversation that ends at `end`. */
function rangeOf({ before, after, around, limit }: z.output<typeof Query>, end: number) {
  if (after !== undefined) {
    const first = Math.min(after, end) + 1
    return { first, last: Math.min(end, first + limit - 1) }
  }
  if (around !== undefined) {
    const last = Math.min(end, Math.max(around + (limit >> 1), limit))
    return { first: Math.max(1, last - limit + 1), last }
  }
  const last = Math.max(0, Math.min(end, (before ?? end + 1) - 1))
  return { first: Math.max(1, last - limit + 1), last }
}
