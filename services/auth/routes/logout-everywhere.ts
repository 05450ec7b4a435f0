import { createRoute } from '@hono/zod-openapi'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { endAllSessions } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/logout-everywhere',
  operationId: 'logoutEverywhere',
  'x-access': 'user',
  tags: ['Account'],
  summary: 'Log out on every device, this one included',
  description: 'All sessions end with their tokens and sockets.',
  responses: { ...noContent, ...problems },
} as const)

/** Ends every session of the caller. */
export const logoutEverywhere = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    await change(ctx, (change) => endAllSessions(change, userId, 'logout'))
    return c.body(null, 204)
  })
