import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, noContent, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/admin/users/{userId}/ban',
  operationId: 'unbanUser',
  'x-access': 'admin',
  tags: ['Administration'],
  summary: 'Let a user in again',
  description:
    'Sessions that the ban has ended stay ended: the user logs in again. It may be repeated. 404 for a ' +
    'deleted user.',
  request: { params: z.object({ userId: Id }) },
  responses: { ...noContent, ...problems },
} as const)

/** Lifts a ban. Tokens from before it stay void: the user logs in anew. */
export const unbanUser = ({ sql }: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    const [user] = await sql`
      update users
      set banned_at = null, banned_until = null, ban_reason = null
      where id = ${userId} and deleted_at is null
      returning id`
    if (!user) throw new Problem('not_found', 'There is no such user')
    return c.body(null, 204)
  })
