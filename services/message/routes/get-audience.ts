import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findMembership } from '../conversation-row.ts'

const route = createRoute({
  method: 'get',
  path: '/internal/v1/conversations/{conversationId}/audience',
  operationId: 'getAudience',
  'x-access': 'service',
  hide: true,
  request: { params: z.object({ conversationId: Id }), query: z.object({ userId: Id }) },
  responses: { 200: json(z.object({ userIds: z.array(Id) }), 'Who hears of the user there'), ...problems },
} as const)

/** Who is shown that a user is typing: nobody where the other one does not accept messages. Throws not_found for strangers. */
export const getAudience = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { conversationId } = c.req.valid('param')
    const { peerId, peerAccepts } = await findMembership(ctx.sql, conversationId, c.req.valid('query').userId)
    return c.json({ userIds: peerAccepts ? [peerId] : [] }, 200)
  })
