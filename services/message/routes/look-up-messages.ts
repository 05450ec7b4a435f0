import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findMessages } from '../message-row.ts'
import { Message } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/internal/v1/messages/lookup',
  operationId: 'lookUpMessages',
  'x-access': 'service',
  hide: true,
  request: {
    body: jsonBody(z.object({ userId: Id, ids: z.array(Id).max(100) }), 'Messages that a user may see'),
  },
  responses: {
    200: json(z.object({ items: z.array(Message) }), 'Those there are, as they are now'),
    ...problems,
  },
} as const)

/** Messages by their ids, to fill in what a mailbox only points at; ids of others' conversations are left out. */
export const lookUpMessages = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, ids } = c.req.valid('json')
    return c.json({ items: await findMessages(ctx.sql, userId, ids) }, 200)
  })
