import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, noContent, problems } from '@plaza/kit/route'
import { findAdminUser } from '../admin-users.ts'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { endAllSessions } from '../sessions.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/admin/users/{userId}/sessions',
  operationId: 'endSessionsOfUser',
  'x-access': 'admin',
  tags: ['Administration'],
  summary: 'Log a user out everywhere',
  description:
    'All sessions end with their tokens and sockets. It may be repeated. 404 when there never was such ' +
    'a user.',
  request: { params: z.object({ userId: Id }) },
  responses: { ...noContent, ...problems },
} as const)

/** Ends every session of a user. */
export const endSessionsOfUser = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    await change(ctx, async (change) => {
      await findAdminUser(change.tx, userId)
      await endAllSessions(change, userId, 'admin')
    })
    return c.body(null, 204)
  })
