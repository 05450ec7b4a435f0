import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findMessages } from '../message-row.ts'
import { absentMessage } from '../refusals.ts'
import { Message } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/messages/{messageId}',
  operationId: 'getMessage',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'Get one message as it is now',
  description: "404 for a message that does not exist and for one of other people's conversations alike.",
  request: { params: z.object({ messageId: Id }) },
  responses: { 200: json(Message, 'The message as it is now'), ...problems },
} as const)

/** A message of one of one's conversations. Throws not_found to strangers. */
export const getMessage = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const [message] = await findMessages(ctx.sql, userOf(c).userId, [c.req.valid('param').messageId])
    if (!message) throw absentMessage()
    return c.json(message, 200)
  })
