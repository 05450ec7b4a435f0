import { createRoute, z } from '@hono/zod-openapi'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { countUnread as count } from '../conversation-row.ts'

const Unread = z.object({ messages: z.int(), conversations: z.int() }).openapi('Unread')

const route = createRoute({
  method: 'get',
  path: '/api/v1/conversations/unread',
  operationId: 'countUnread',
  'x-access': 'user',
  tags: ['Conversations'],
  summary: 'Count what is unread',
  description:
    'Messages of other people that you have not read, and the conversations that hold some. A ' +
    'conversation counts with 1,000 messages at most.',
  responses: { 200: json(Unread, 'Unread messages, up to 1,000 of each conversation'), ...problems },
} as const)

/** What one has not read, over all conversations. */
export const countUnread = (ctx: Ctx) =>
  defineRoute(route, async (c) => c.json(await count(ctx.sql, userOf(c).userId), 200))
