import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import { Line } from '@plaza/kit/text'
import { findAdminUser } from '../admin-users.ts'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { assertAdminRemains } from '../roles.ts'
import { AdminUser } from '../schema.ts'
import { endAllSessions } from '../sessions.ts'

const route = createRoute({
  method: 'put',
  path: '/api/v1/admin/users/{userId}/ban',
  operationId: 'banUser',
  'x-access': 'admin',
  tags: ['Administration'],
  summary: 'Shut a user out, for good or until a time',
  description:
    'All sessions of the user end. Another ban replaces the terms of the one before. `until` left out ' +
    'is for good. Errors: 400 `until_past`; 404 for a deleted user; 409 `last_admin`.',
  request: {
    params: z.object({ userId: Id }),
    body: jsonBody(z.object({ reason: Line(500), until: z.iso.datetime().optional() }), 'Why, and how long'),
  },
  responses: { 200: json(AdminUser, 'The account'), ...problems },
} as const)

/** Bans a user, or changes the terms of a ban, and ends the user's sessions. */
export const banUser = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    const { reason, until } = c.req.valid('json')
    if (until && new Date(until) <= new Date())
      throw new Problem('invalid', 'json.until: must lie in the future', { reason: 'until_past' })
    await change(ctx, async (change) => {
      await assertAdminRemains(change.tx, userId)
      const [banned] = await change.tx`
        update users
        set banned_at = now(), banned_until = ${until ?? null}, ban_reason = ${reason}
        where id = ${userId} and deleted_at is null
        returning id`
      if (!banned) throw new Problem('not_found', 'There is no such user')
      await endAllSessions(change, userId, 'ban')
    })
    return c.json(await findAdminUser(ctx.sql, userId), 200)
  })
