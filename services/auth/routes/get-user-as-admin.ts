import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems } from '@plaza/kit/route'
import { findAdminUser } from '../admin-users.ts'
import type { Ctx } from '../context.ts'
import { AdminUser } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/admin/users/{userId}',
  operationId: 'getUserAsAdmin',
  'x-access': 'admin',
  tags: ['Administration'],
  summary: 'One account',
  description: 'A deleted or erased account is shown, too. 404 when there never was one.',
  request: { params: z.object({ userId: Id }) },
  responses: { 200: json(AdminUser, 'The account'), ...problems },
} as const)

/** Shows one account, a deleted one too. */
export const getUserAsAdmin = ({ sql }: Ctx) =>
  defineRoute(route, async (c) => c.json(await findAdminUser(sql, c.req.valid('param').userId), 200))
