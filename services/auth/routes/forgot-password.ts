import { createRoute, z } from '@hono/zod-openapi'
import { defineRoute, jsonBody, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { emailKey } from '../email.ts'
import { queueMail } from '../mail-queue.ts'
import { Email } from '../schema.ts'
import { hashToken } from '../token.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/password/forgot',
  operationId: 'forgotPassword',
  'x-access': 'public',
  tags: ['Password'],
  summary: 'Ask for a mail with a link to choose a new password',
  description:
    'The answer is the same whether somebody has the address or not. The link is good for an hour. At ' +
    'most 5 mails an hour go to one address; a request beyond that gets the same answer and no mail.',
  request: { body: jsonBody(z.object({ email: Email }), 'The address of the account') },
  responses: { 202: { description: 'If the address has an account, a mail is on its way' }, ...problems },
} as const)

/** Queues the request, known address or not: whose it is, is only looked up when the mail is made. */
export const forgotPassword = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const email = emailKey(c.req.valid('json').email)
    const key = `reset:${hashToken(email).toString('base64url')}`
    if (await ctx.throttle.tryTake({ key, limit: ctx.config.MAIL_LIMIT, windowSeconds: 3_600 })) {
      await queueMail(ctx.sql, { kind: 'reset_password', email })
      ctx.mails.poke()
    }
    return c.body(null, 202)
  })
