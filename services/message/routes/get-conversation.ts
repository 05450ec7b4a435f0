import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findConversations } from '../conversation-row.ts'
import { absentConversation } from '../refusals.ts'
import { Conversation } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/conversations/{conversationId}',
  operationId: 'getConversation',
  'x-access': 'user',
  tags: ['Conversations'],
  summary: 'Get one conversation',
  description: '404 for a conversation that does not exist and for one of other people alike.',
  request: { params: z.object({ conversationId: Id }) },
  responses: { 200: json(Conversation, 'The conversation'), ...problems },
} as const)

/** One of one's conversations. Throws not_found to strangers. */
export const getConversation = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { conversationId } = c.req.valid('param')
    const [conversation] = await findConversations(ctx.sql, userOf(c).userId, {
      ids: [conversationId],
      limit: 1,
    })
    if (!conversation) throw absentConversation()
    return c.json(conversation, 200)
  })
