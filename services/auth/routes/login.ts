import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import { Text } from '@plaza/kit/text'
import { change } from '../change.ts'
import { clientOf } from '../client-of.ts'
import type { Ctx } from '../context.ts'
import { type Proved, proveByLogin, wrongCredentials } from '../credentials.ts'
import { Device, Password, Session } from '../schema.ts'
import { endSession, openSession, toSession } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/login',
  operationId: 'login',
  'x-access': 'public',
  tags: ['Account'],
  summary: 'Log in by username or e-mail address',
  description:
    'Every log-in opens another session, which is a device in `GET /api/v1/auth/sessions`. Beyond 100 of them the one ' +
    'that was unused for longest ends.\n\n' +
    'Errors: 401 `credentials_wrong` for an unknown name and a wrong password alike; 403 `banned`, only ' +
    'after the right password; 429 `too_many_attempts` after 20 attempts on one account from one address, 100 on one ' +
    'account from all, or 100 failures from one address within 15 minutes, or `busy` while too many passwords are ' +
    'being checked.',
  request: {
    body: jsonBody(
      z.object({ login: Text(512, 1), password: Password, device: Device.optional() }),
      'Who it is, and on which device',
    ),
  },
  responses: { 200: json(Session, 'A new session'), ...problems },
} as const)

/** Opens a session for whoever knows the password. An unknown name and a wrong password are answered alike. */
export const login = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { login, password, device } = c.req.valid('json')
    const client = clientOf(c, ctx.config.PROXY_DEPTH)
    const account = await proveByLogin(ctx, { login, password, ip: client.ip })
    assertNotBanned(account)
    const session = await openSession(ctx.sql, {
      userId: account.id,
      passwordHash: account.passwordHash,
      device: device?.name,
      client,
      maxSeconds: ctx.config.SESSION_MAX_SECONDS,
      limit: ctx.config.SESSION_LIMIT,
    })
    if (!session) throw wrongCredentials()
    if (session.surplus.length > 0) await endSurplus(ctx, account.id, session.surplus)
    return c.json(toSession(ctx, session.opened, session.refreshToken), 200)
  })

/** In the order of their ids, so that two log-ins at once never wait for each other. */
async function endSurplus(ctx: Ctx, userId: string, sessionIds: readonly string[]): Promise<void> {
  await change(ctx, async (change) => {
    for (const sessionId of sessionIds.toSorted())
      await endSession(change, { sessionId, userId, reason: 'limit' })
  })
}

function assertNotBanned({ bannedAt, bannedUntil }: Proved): void {
  if (!bannedAt || (bannedUntil && bannedUntil <= new Date())) return
  const end = bannedUntil ? `until ${bannedUntil.toISOString()}` : 'for good'
  throw new Problem('forbidden', `This account is banned ${end}`, { reason: 'banned' })
}
