import { createRoute } from '@hono/zod-openapi'
import { askForUser } from '@plaza/auth/ask-for-user'
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
    'lies in the future, 90 days ahead at most, unless the operator has set otherwise.\n\n' +
    'Send an `Idempotency-Key`. A key names the item until that expires, acknowledged or not, and not ' +
    'only for 24 hours: a repeat with the same content answers the item, and never a 409. Later a repeat ' +
    'with an `expiresAt` is a 400, for it has passed, and one without is kept anew.\n\n' +
    'Errors: 404 for a user who does not exist or has deleted their account; 422 `key_reused` when the ' +
    'key came with other content.',
  request: {
    headers: IdempotencyHeaders,
    body: jsonBody(QueueRequest, 'For whom, what, and how long'),
  },
  responses: { 201: json(QueueItem, 'It is kept'), ...problems },
} as const)

/** Enqueues for a user; a 201 means that it is stored. Throws not_found for a user whom auth does not know. */
export const enqueue = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const request = c.req.valid('json')
    if (!(await askForUser(ctx.auth, request.userId))) throw new Problem('not_found', 'There is no such user')
    const key = c.req.valid('header')['idempotency-key']
    return c.json(await enqueueFor(ctx, { ...request, actor: userOf(c).userId, key }), 201)
  })
