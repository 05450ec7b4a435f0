import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems } from '@plaza/kit/route'
import { changeMessage } from '../change-message.ts'
import type { Ctx } from '../context.ts'
import { messageDeleted } from '../events.ts'
import { notSender, windowOver } from '../refusals.ts'
import { Message } from '../schema.ts'
import { forgetWords } from '../search-index.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/messages/{messageId}',
  operationId: 'deleteMessage',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Delete a message of yours for both people',
  description:
    'Its content is gone; `id`, `seq` and `deletedAt` stay. At any time, unless the operator has set a ' +
    'window. It may be repeated.\n\n' +
    'Errors: 403 `not_sender` or `window_over`; 404 for a message that does not exist or is in other ' +
    "people's conversation.",
  request: { params: z.object({ messageId: Id }) },
  responses: { 200: json(Message, 'What is left: its id and its place'), ...problems },
} as const)

/** Empties one's own message for both people, within the window for it; it may be repeated. */
export const deleteMessage = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const left = await changeMessage(
      ctx,
      c,
      c.req.valid('param').messageId,
      messageDeleted,
      async ({ tx, userId, message }) => {
        if (message.senderId !== userId) throw notSender()
        if (message.deletedAt) return false
        const { DELETE_WINDOW_SECONDS: window } = ctx.config
        if (window > 0 && Date.now() - Date.parse(message.createdAt) > window * 1_000) throw windowOver()
        await tx`
          update messages
          set text = null, envelope = null, reply_to_id = null, request_hash = null,
            deleted_at = ${new Date().toISOString()}
          where conversation_id = ${message.conversationId} and id = ${message.id}`
        await tx`
          delete from reactions
          where conversation_id = ${message.conversationId} and message_id = ${message.id}`
        await forgetWords(tx, message.conversationId, [message])
        return true
      },
    )
    return c.json(left, 200)
  })
