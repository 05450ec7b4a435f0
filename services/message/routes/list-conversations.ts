import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findConversations } from '../conversation-row.ts'
import { Conversation } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/conversations',
  operationId: 'listConversations',
  'x-access': 'user',
  tags: ['Conversations'],
  summary: 'List the conversations, the last active first',
  description:
    'Up to 100 on a page. One that becomes active while you turn pages moves to the front, and an event ' +
    'tells of it. An empty conversation that was opened by somebody from whom you accept no messages is ' +
    'left out.',
  request: { query: PageQuery },
  responses: { 200: json(Page(Conversation, 'Conversation'), 'The last active first'), ...problems },
} as const)

/** Postgres knows no year 0. */
const Time = z.iso.datetime().refine((time) => !time.startsWith('0000'))
const Key = z.tuple([Time, Id])

/** One's conversations by last activity, each with its last message and what is unread. */
export const listConversations = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const after = readCursor(cursor, Key)
    const found = await findConversations(ctx.sql, userOf(c).userId, { after, limit: limit + 1 })
    const page = toPage(
      found,
      limit,
      ({ updatedAt, id }) => [updatedAt, id],
      (conversation) => conversation,
    )
    return c.json(page, 200)
  })
