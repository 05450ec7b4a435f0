import { createRoute } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { enqueue } from '../queue.ts'
import { QueueItem, QueueRequest } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/internal/v1/queue',
  operationId: 'enqueueForService',
  'x-access': 'service',
  hide: true,
  request: {
    body: jsonBody(QueueRequest.extend({ queueId: Id.optional() }), 'The same queueId is kept once'),
  },
  responses: { 201: json(QueueItem, 'It is kept'), ...problems },
} as const)

/** Enqueues on behalf of a service. */
export const enqueueForService = (ctx: Ctx) =>
  defineRoute(route, async (c) => c.json(await enqueue(ctx, c.req.valid('json')), 201))
