import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { endSession } from '../sessions.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/auth/sessions/{sessionId}',
  operationId: 'logoutDevice',
  'x-access': 'user',
  tags: ['Devices'],
  summary: 'Log one device out',
  description:
    'The session ends with its tokens and sockets. 404 for a session that does not exist, has ended, or ' +
    "is somebody else's.",
  request: { params: z.object({ sessionId: Id }) },
  responses: { ...noContent, ...problems },
} as const)

/** Ends one of the caller's sessions; another's does not exist for them. */
export const logoutDevice = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { sessionId } = c.req.valid('param')
    const { userId } = userOf(c)
    const ended = await change(ctx, (change) => endSession(change, { sessionId, userId, reason: 'logout' }))
    if (!ended) throw new Problem('not_found', 'You have no such device')
    return c.body(null, 204)
  })
