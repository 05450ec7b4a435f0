import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems } from '@plaza/kit/route'
import { changeMessage } from '../change-message.ts'
import type { Ctx } from '../context.ts'
import { messageReacted } from '../events.ts'
import { Emoji, Message } from '../schema.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/messages/{messageId}/reactions/{emoji}',
  operationId: 'removeReaction',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Take a reaction of yours back',
  description:
    "It may be repeated. 404 for a message that does not exist or is in other people's conversation.",
  request: { params: z.object({ messageId: Id, emoji: Emoji }) },
  responses: { 200: json(Message, 'The message with its reactions'), ...problems },
} as const)

/** Takes one's reaction back; it may be repeated. */
export const removeReaction = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { messageId, emoji } = c.req.valid('param')
    const left = await changeMessage(ctx, c, messageId, messageReacted, async ({ tx, userId, message }) => {
      const removed = await tx`
        delete from reactions
        where conversation_id = ${message.conversationId} and message_id = ${message.id}
          and emoji = ${emoji} and user_id = ${userId}`
      return removed.count > 0
    })
    return c.json(left, 200)
  })
