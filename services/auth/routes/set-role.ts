import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Role } from '@plaza/kit/identity'
import { defineRoute, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import { findAdminUser } from '../admin-users.ts'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { changeRole } from '../roles.ts'
import { AdminUser } from '../schema.ts'

const route = createRoute({
  method: 'put',
  path: '/api/v1/admin/users/{userId}/role',
  operationId: 'setRole',
  'x-access': 'admin',
  tags: ['Administration'],
  summary: 'Give a user a role',
  description:
    'Access tokens with the old role are void at once (401 `revoked`); sessions go on, and the next ' +
    'refresh brings the new role. It may be repeated. 404 for a deleted user; 409 `last_admin`.',
  request: {
    params: z.object({ userId: Id }),
    body: jsonBody(z.object({ role: Role }), 'The role'),
  },
  responses: { 200: json(AdminUser, 'The account'), ...problems },
} as const)

/** Changes a role; the user's access tokens are void, so the next refresh brings the new one. */
export const setRole = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    const { role } = c.req.valid('json')
    await change(ctx, (change) => changeRole(change, { userId, role, actor: userOf(c).userId }))
    return c.json(await findAdminUser(ctx.sql, userId), 200)
  })
