import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import { type Changing, changeMessage } from '../change-message.ts'
import type { Ctx } from '../context.ts'
import { messageEdited } from '../events.ts'
import { alreadyDeleted, notAccepting, notSender, windowOver } from '../refusals.ts'
import { Content, Message } from '../schema.ts'
import { forgetWords } from '../search-index.ts'

const route = createRoute({
  method: 'patch',
  path: '/api/v1/messages/{messageId}',
  operationId: 'editMessage',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Replace the content of a message of yours',
  description:
    'Within 24 hours after it was sent, unless the operator has set another window. A plain message ' +
    'stays plain and an encrypted one encrypted. The same content again changes nothing.\n\n' +
    'Errors: 403 `not_sender`, `window_over` or `not_accepting`; 404 for a message that does not exist ' +
    "or is in other people's conversation; 409 `message_deleted`.",
  request: { params: z.object({ messageId: Id }), body: jsonBody(Content, 'The new text or envelope') },
  responses: { 200: json(Message, 'The message with its new content'), ...problems },
} as const)

/** Replaces what one has written, within the window for it. Throws forbidden not_accepting like a send. */
export const editMessage = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const content = c.req.valid('json')
    const envelope = content.envelope ? JSON.stringify(content.envelope) : null
    const message = await changeMessage(
      ctx,
      c,
      c.req.valid('param').messageId,
      messageEdited,
      async (changing) => {
        checkEdit(ctx, changing, content)
        const { tx, message: old } = changing
        if (old.text === (content.text ?? null) && JSON.stringify(old.envelope) === (envelope ?? 'null'))
          return false
        await tx`
        update messages
        set text = ${content.text ?? null}, envelope = ${envelope}, edited_at = ${new Date().toISOString()}
        where conversation_id = ${old.conversationId} and id = ${old.id}`
        await forgetWords(tx, old.conversationId, [old])
        return true
      },
    )
    return c.json(message, 200)
  })

function checkEdit({ config }: Ctx, { userId, message, peerAccepts }: Changing, content: Content): void {
  if (message.senderId !== userId) throw notSender()
  if (message.deletedAt) throw alreadyDeleted()
  if (Date.now() - Date.parse(message.createdAt) > config.EDIT_WINDOW_SECONDS * 1_000) throw windowOver()
  if ((message.text === null) !== (content.text === undefined))
    throw new Problem('invalid', 'An encrypted message stays encrypted, and a plain one plain')
  if (!peerAccepts) throw notAccepting()
}
