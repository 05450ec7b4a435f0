import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, jsonBody, noContent, problems, userOf } from '@plaza/kit/route'
import { findMe } from '../accounts.ts'
import { change } from '../change.ts'
import { clientOf } from '../client-of.ts'
import type { Ctx } from '../context.ts'
import { proveByUser } from '../credentials.ts'
import { queueMail } from '../mail-queue.ts'
import { NewPassword, Password } from '../schema.ts'
import { endOtherSessions } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/password/change',
  operationId: 'changePassword',
  'x-access': 'user',
  tags: ['Password'],
  summary: 'Choose a new password; every other device is logged out',
  description:
    '8 to 128 characters that are hard to guess. This session goes on.\n\n' +
    'Errors: 400 `password_weak`; 403 `password_wrong`; 409 when it was changed elsewhere at the same ' +
    'moment; 429 `too_many_attempts` or `busy`.',
  request: {
    body: jsonBody(z.object({ currentPassword: Password, newPassword: NewPassword }), 'Both passwords'),
  },
  responses: { ...noContent, ...problems },
} as const)

/** Replaces the password and ends the caller's other sessions. */
export const changePassword = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { currentPassword, newPassword } = c.req.valid('json')
    const { userId, sessionId } = userOf(c)
    // Each costs two hashes and a mail to an address that nobody may have confirmed.
    await ctx.throttle.take({
      key: `password-change:${userId}`,
      limit: ctx.config.PASSWORD_CHANGE_LIMIT,
      windowSeconds: 3_600,
    })
    const account = await proveByUser(ctx, {
      userId,
      password: currentPassword,
      ip: clientOf(c, ctx.config.PROXY_DEPTH).ip,
    })
    const { username, email } = await findMe(ctx.sql, userId)
    await ctx.strength.assertStrong({ password: newPassword, field: 'newPassword', username, email })
    const passwordHash = await ctx.hashing.hash(newPassword)
    await change(ctx, async (change) => {
      const [changed] = await change.tx`
        update users
        set password_hash = ${passwordHash}
        where id = ${userId} and password_hash = ${account.passwordHash} and deleted_at is null
        returning id`
      if (!changed) throw new Problem('conflict', 'The password was changed elsewhere just now')
      await endOtherSessions(change, { userId, sessionId, reason: 'password' })
      await change.tx`delete from one_time_tokens where user_id = ${userId} and purpose = 'reset_password'`
      await queueMail(change.tx, { kind: 'password_changed', userId })
    })
    ctx.mails.poke()
    return c.body(null, 204)
  })
