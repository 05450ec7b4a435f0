import { createRoute, z } from '@hono/zod-openapi'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import { findMe } from '../accounts.ts'
import type { Ctx } from '../context.ts'
import { Me } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/auth/validate-token',
  operationId: 'validateToken',
  'x-access': 'user',
  tags: ['Account'],
  summary: 'Whether the access token is good',
  description: 'A token that is not good is answered with 401.',
  responses: { 200: json(z.object({ valid: z.literal(true), user: Me }), 'It is good'), ...problems },
} as const)

/** Answers whose access token it is. */
export const validateToken = (ctx: Ctx) =>
  defineRoute(route, async (c) =>
    c.json({ valid: true as const, user: await findMe(ctx.sql, userOf(c).userId) }, 200),
  )
