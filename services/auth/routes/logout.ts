import { createRoute } from '@hono/zod-openapi'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { endSession } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/logout',
  operationId: 'logout',
  'x-access': 'user',
  tags: ['Account'],
  summary: 'Log out on this device',
  description: 'The session ends with its tokens and sockets.',
  responses: { ...noContent, ...problems },
} as const)

/** Ends the session of the access token. */
export const logout = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, sessionId } = userOf(c)
    await change(ctx, (change) => endSession(change, { sessionId, userId, reason: 'logout' }))
    return c.body(null, 204)
  })
