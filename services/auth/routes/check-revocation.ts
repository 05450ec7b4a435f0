import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { isActive } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/internal/v1/revocations/check',
  operationId: 'checkRevocation',
  'x-access': 'service',
  hide: true,
  request: {
    body: jsonBody(
      z.object({ userId: Id, sessionId: Id, issuedAt: z.number() }),
      'What a token says of itself',
    ),
  },
  responses: { 200: json(z.object({ revoked: z.boolean() }), 'Whether it is void'), ...problems },
} as const)

/** Answers from the database whether a token is void: for those who have not heard the stream for a while. */
export const checkRevocation = ({ sql }: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, sessionId, issuedAt } = c.req.valid('json')
    const [good] = await sql`
      select 1
      from sessions
      join users on users.id = sessions.user_id
      where sessions.id = ${sessionId}
        and user_id = ${userId}
        and ended_at is null
        and ${isActive(sql)}
        and extract(epoch from tokens_not_before)::float8 <= ${issuedAt}`
    return c.json({ revoked: !good }, 200)
  })
