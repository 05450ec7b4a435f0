import { createRoute, z } from '@hono/zod-openapi'
import { defineRoute, jsonBody, noContent, problems } from '@plaza/kit/route'
import { change } from '../change.ts'
import type { Ctx } from '../context.ts'
import { queueMail } from '../mail-queue.ts'
import { findTokenHolder, invalidToken, spendToken } from '../one-time-tokens.ts'
import { NewPassword, OpaqueToken } from '../schema.ts'
import { endAllSessions } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/password/reset',
  operationId: 'resetPassword',
  'x-access': 'public',
  tags: ['Password'],
  summary: 'Choose a new password by the token of a mail; every device is logged out',
  description:
    'The token is good for an hour and for one change; a password that is too weak does not spend it. ' +
    'All sessions end. Errors: 400 `token_invalid` or `password_weak`; 429 `busy`.',
  request: {
    body: jsonBody(z.object({ token: OpaqueToken, newPassword: NewPassword }), 'The token and the password'),
  },
  responses: { ...noContent, ...problems },
} as const)

/** Replaces the password, spends the token and ends all sessions. A password that is too weak leaves the token good. */
export const resetPassword = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { token, newPassword } = c.req.valid('json')
    const holder = await findTokenHolder(ctx.sql, token, 'reset_password')
    if (!holder) throw invalidToken()
    const { userId, username, email } = holder
    await ctx.strength.assertStrong({ password: newPassword, field: 'newPassword', username, email })
    const passwordHash = await ctx.hashing.hash(newPassword)
    await change(ctx, async (change) => {
      // The account's row first, as everywhere: who changes one account takes turns there.
      const [changed] = await change.tx`
        update users
        set password_hash = ${passwordHash},
          email_verified_at = coalesce(email_verified_at, now())
        where id = ${userId} and deleted_at is null
        returning id`
      if (!changed || !(await spendToken(change.tx, token, 'reset_password'))) throw invalidToken()
      await endAllSessions(change, userId, 'password')
      await queueMail(change.tx, { kind: 'password_changed', userId })
    })
    ctx.mails.poke()
    return c.body(null, 204)
  })
