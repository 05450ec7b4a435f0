import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Role } from '@plaza/kit/identity'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, problems } from '@plaza/kit/route'
import { findUser } from '../accounts.ts'
import type { Ctx } from '../context.ts'

const UserFacts = z.object({ id: Id, username: z.string(), role: Role, createdAt: z.iso.datetime() })

const route = createRoute({
  method: 'get',
  path: '/internal/v1/users/{userId}',
  operationId: 'getUser',
  'x-access': 'service',
  hide: true,
  request: { params: z.object({ userId: Id }) },
  responses: { 200: json(UserFacts, 'The user'), ...problems },
} as const)

/** Tells another service who a user is; somebody deleted is not found. */
export const getUser = ({ sql }: Ctx) =>
  defineRoute(route, async (c) => {
    const user = await findUser(sql, c.req.valid('param').userId)
    if (!user) throw new Problem('not_found', 'There is no such user')
    const { id, username, role, createdAt } = user
    return c.json({ id, username, role, createdAt }, 200)
  })
