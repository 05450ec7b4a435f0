import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import { change } from '../change.ts'
import { clientOf } from '../client-of.ts'
import type { Ctx } from '../context.ts'
import { proveByUser } from '../credentials.ts'
import { beginErasure } from '../erasures.ts'
import { assertAdminRemains } from '../roles.ts'
import { Password } from '../schema.ts'
import { endAllSessions } from '../sessions.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/auth/me',
  operationId: 'deleteMe',
  'x-access': 'user',
  tags: ['Account'],
  summary: 'Delete my account and everything I left anywhere',
  description:
    'The account is gone at once, with all sessions; every service then erases what it holds, which ' +
    '`GET /api/v1/auth/erasures/{erasureId}` shows. The e-mail address can be used again afterwards, ' +
    'the username never.\n\n' +
    'Errors: 403 `password_wrong`; 409 `last_admin`, or without a reason when the account was changed ' +
    'at the same moment; 429 `too_many_attempts`.',
  request: { body: jsonBody(z.object({ password: Password }), 'The password, once more') },
  responses: { 202: json(z.object({ erasureId: Id }), 'The erasure has begun'), ...problems },
} as const)

/** Makes the account a tombstone, ends its sessions and tells every service to erase, all in one commit. */
export const deleteMe = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { password } = c.req.valid('json')
    const { passwordHash } = await proveByUser(ctx, {
      userId,
      password,
      ip: clientOf(c, ctx.config.PROXY_DEPTH).ip,
    })
    const erasureId = await change(ctx, async (change) => {
      await assertAdminRemains(change.tx, userId)
      const [deleted] = await change.tx<{ deletedAt: Date }[]>`
        update users
        set deleted_at = now()
        where id = ${userId} and password_hash = ${passwordHash} and deleted_at is null
        returning deleted_at`
      if (!deleted) throw new Problem('conflict', 'The account was changed elsewhere just now')
      await endAllSessions(change, userId, 'deletion')
      return await beginErasure(change, { userId, ...deleted })
    })
    c.header('Location', `/api/v1/auth/erasures/${erasureId}`)
    return c.json({ erasureId }, 202)
  })
