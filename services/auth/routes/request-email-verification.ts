import { createRoute } from '@hono/zod-openapi'
import { defineRoute, problems, userOf } from '@plaza/kit/route'
import { findMe } from '../accounts.ts'
import type { Ctx } from '../context.ts'
import { queueMail } from '../mail-queue.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/email/verification',
  operationId: 'requestEmailVerification',
  'x-access': 'user',
  tags: ['Account'],
  summary: 'Ask for another mail that confirms the e-mail address',
  description:
    'Nothing is sent when the address is confirmed already. 429 `too_many_attempts` beyond 5 requests ' +
    'an hour.',
  responses: { 202: { description: 'A mail is on its way, unless the address is confirmed' }, ...problems },
} as const)

/** Queues the mail again; a few an hour at most. */
export const requestEmailVerification = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    await ctx.throttle.take({ key: `verify:${userId}`, limit: ctx.config.MAIL_LIMIT, windowSeconds: 3_600 })
    const { emailVerified } = await findMe(ctx.sql, userId)
    if (!emailVerified) await queueMail(ctx.sql, { kind: 'verify_email', userId })
    ctx.mails.poke()
    return c.body(null, 202)
  })
