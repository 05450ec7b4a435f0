import { createRoute } from '@hono/zod-openapi'
import { askForUser } from '@plaza/auth/ask-for-user'
import { idempotent } from '@plaza/kit/idempotency'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, IdempotencyHeaders, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { enqueue as enqueueFor } from '../queue.ts'
import { QueueItem, QueueRequest } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/queue',
  operationId: 'enqueue',
  'x-access': 'admin',
  tags: ['queue'],
  summary: 'Keep something for a user until their devices have it',
  description:
    'It reaches every device as an event `queue.enqueued`. `data` is 32 KB at most as JSON. `expiresAt` ' +
    'lies in the future, 90 days ahead at most, unless the operator has set otherwise. 404 for a user ' +
    'who does not exist or has deleted their account.',
  request: {
    headers: IdempotencyHeaders,
    body: jsonBody(QueueRequest, 'For whom, what, and how long'),
  },
  responses: { 201: json(QueueItem, 'It is kept'), ...problems },
} as const)

/** Enqueues for a user; a 201 means that it is stored. Throws not_found for a user whom auth does not know. */
export const enqueue = (ctx: Ctx) =>
  defineRoute(
    route,
    async (c) => {
      const request = c.req.valid('json')
      if (!(await askForUser(ctx.auth, request.userId)))
        throw new Problem('not_found', 'There is no such user')
      return c.json(await enqueueFor(ctx, { ...request, actor: userOf(c).userId }), 201)
    },
    [idempotent(ctx.sql, 'enqueue')],
  )
