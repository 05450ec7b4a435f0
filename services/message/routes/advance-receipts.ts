import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { Receipt, ReceiptState } from '../schema.ts'

const route = createRoute({
  method: 'put',
  path: '/api/v1/conversations/{conversationId}/receipts',
  operationId: 'advanceReceipts',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Say how far messages have arrived and have been read',
  description:
    'Pointers move forward only, and never past the last message; what was read counts as arrived. ' +
    'Anything lower changes nothing, so it may be repeated. The other person is told as far as your ' +
    'privacy settings allow.\n\n' +
    '404 for a conversation that does not exist and for one of other people alike.',
  request: {
    params: z.object({ conversationId: Id }),
    body: jsonBody(Receipt, 'The last `seq` that arrived, and the last that was seen'),
  },
  responses: { 200: json(ReceiptState, 'Where the pointers stand'), ...problems },
} as const)

/** Moves one's pointers: only forward, never past the last message. Throws not_found to strangers. */
export const advanceReceipts = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { conversationId } = c.req.valid('param')
    const { userId } = userOf(c)
    return c.json(await ctx.receipts.advance({ ...c.req.valid('json'), conversationId, userId }), 200)
  })
