import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { withRedis } from '@plaza/kit/redis'
import { defineRoute, noContent, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { refillFromQueue } from '../refill.ts'

const route = createRoute({
  method: 'put',
  path: '/internal/v1/users/{userId}/queue',
  operationId: 'restoreQueue',
  'x-access': 'service',
  hide: true,
  request: { params: z.object({ userId: Id }) },
  responses: { ...noContent, ...problems },
} as const)

/** Puts what is kept for a user into the mailbox again, for a device that found a gap: it is told of nowhere else. */
export const restoreQueue = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    await withRedis(() => refillFromQueue(ctx, userId))
    return c.body(null, 204)
  })
