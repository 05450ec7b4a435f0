import { createRoute } from '@hono/zod-openapi'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import { findMe } from '../accounts.ts'
import type { Ctx } from '../context.ts'
import { Me } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/auth/me',
  operationId: 'getMe',
  'x-access': 'user',
  tags: ['Account'],
  summary: 'Who I am',
  description: '401 `revoked` when the account has been deleted.',
  responses: { 200: json(Me, 'The account'), ...problems },
} as const)

/** Answers with the caller's own account. */
export const getMe = (ctx: Ctx) =>
  defineRoute(route, async (c) => c.json(await findMe(ctx.sql, userOf(c).userId), 200))
