import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, problems } from '@plaza/kit/route'
import { changeMessage } from '../change-message.ts'
import type { Ctx } from '../context.ts'
import { messageReacted } from '../events.ts'
import { alreadyDeleted, notAccepting } from '../refusals.ts'
import { Emoji, Message } from '../schema.ts'

const distinctAtMost = 20

const route = createRoute({
  method: 'put',
  path: '/api/v1/messages/{messageId}/reactions/{emoji}',
  operationId: 'addReaction',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'React to a message with an emoji',
  description:
    'The path holds one emoji, percent-encoded. Each person counts once for an emoji, and a message has ' +
    '20 different ones at most. It may be repeated.\n\n' +
    "Errors: 403 `not_accepting`; 404 for a message that does not exist or is in other people's " +
    'conversation; 409 `message_deleted` or `too_many_reactions`.',
  request: { params: z.object({ messageId: Id, emoji: Emoji }) },
  responses: { 200: json(Message, 'The message with its reactions'), ...problems },
} as const)

/** Reacts to a message, at most once with each emoji. Throws forbidden not_accepting like a send. */
export const addReaction = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { messageId, emoji } = c.req.valid('param')
    const reacted = await changeMessage(ctx, c, messageId, messageReacted, async (changing) => {
      const { tx, userId, message, peerAccepts } = changing
      const same = message.reactions.find((reaction) => reaction.emoji === emoji)
      if (same?.userIds.includes(userId)) return false
      if (message.deletedAt) throw alreadyDeleted()
      if (!peerAccepts) throw notAccepting()
      if (!same && message.reactions.length >= distinctAtMost)
        throw new Problem('conflict', `A message has at most ${distinctAtMost} different reactions`, {
          reason: 'too_many_reactions',
        })
      await tx`
        insert into reactions (conversation_id, message_id, emoji, user_id)
        values (${message.conversationId}, ${message.id}, ${emoji}, ${userId})`
      return true
    })
    return c.json(reacted, 200)
  })
