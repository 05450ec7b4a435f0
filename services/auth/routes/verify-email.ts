import { createRoute, z } from '@hono/zod-openapi'
import { defineRoute, jsonBody, noContent, problems } from '@plaza/kit/route'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { findTokenHolder, invalidToken, spendToken } from '../one-time-tokens.ts'
import { OpaqueToken } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/email/verify',
  operationId: 'verifyEmail',
  'x-access': 'public',
  tags: ['Account'],
  summary: 'Confirm the e-mail address by the token of a mail',
  description: 'The token is good for a day and for one use. 400 `token_invalid` for any other.',
  request: { body: jsonBody(z.object({ token: OpaqueToken }), 'The token') },
  responses: { ...noContent, ...problems },
} as const)

/** Notes that the address is its owner's. */
export const verifyEmail = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { token } = c.req.valid('json')
    await change(ctx, async ({ tx }) => {
      const holder = await findTokenHolder(tx, token, 'verify_email')
      if (!holder) throw invalidToken()
      // The account's row first, as everywhere: who changes one account takes turns there.
      await tx`
        update users
        set email_verified_at = coalesce(email_verified_at, now())
        where id = ${holder.userId} and deleted_at is null`
      if (!(await spendToken(tx, token, 'verify_email'))) throw invalidToken()
    })
    return c.body(null, 204)
  })
