import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, IdempotencyHeaders, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { Draft, Message } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/conversations/{conversationId}/messages',
  operationId: 'createMessage',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Send a message',
  description:
    'Give either `text` (1 to 16,383 UTF-16 units, not blank) or `envelope` (256 KB at most as JSON). ' +
    '`replyToId` names a message of the same conversation. After a 201 the message is stored for good.\n\n' +
    'Send an `Idempotency-Key`. A key names the message within its conversation for ever, not only for ' +
    '24 hours, by REST and by socket alike: a repeat with the same content answers that message as it ' +
    'is now.\n\n' +
    'Errors: 403 `not_accepting` when the other person accepts no messages from you (a block, a privacy ' +
    'setting and a deleted account look alike); 404 for a conversation that does not exist or is other ' +
    "people's; 404 `reply_not_found`; 422 `key_reused` when the key came with other content.",
  request: {
    params: z.object({ conversationId: Id }),
    headers: IdempotencyHeaders,
    body: jsonBody(Draft, 'Text or an envelope'),
  },
  responses: { 201: json(Message, 'The message; it survives any crash from now on'), ...problems },
} as const)

/**
 * Sends a message: stored with its event in one commit, shared with other sends of the moment (send.ts).
 * Throws not_found to strangers, forbidden not_accepting where the other one does not want messages.
 */
export const createMessage = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const message = await ctx.sender.send({
      ...c.req.valid('json'),
      senderId: userOf(c).userId,
      conversationId: c.req.valid('param').conversationId,
      key: c.req.valid('header')['idempotency-key'],
    })
    return c.json(message, 201)
  })
