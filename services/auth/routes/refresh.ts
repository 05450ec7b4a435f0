import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import { change } from '../change.ts'
import { clientOf } from '../client-of.ts'
import type { Ctx } from '../context.ts'
import { findReuse, rotateRefreshToken } from '../refresh-tokens.ts'
import { OpaqueToken, Session } from '../schema.ts'
import { endSession, toSession } from '../sessions.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/refresh',
  operationId: 'refresh',
  'x-access': 'public',
  tags: ['Account'],
  summary: 'Exchange a refresh token for a new one and a new access token',
  description:
    'A refresh token is used once: the answer holds its successor, to be stored before anything else. ' +
    'If the answer was lost, repeat with the same token. As long as its successor has not been used, ' +
    'that gives a new answer and voids the successor that was lost.\n\n' +
    'Using a token that is void, be it a lost successor or one whose successor has been used, is taken ' +
    'for theft: it ends the session for everybody who holds it (401 `refresh_token_reused`). So run one ' +
    'refresh at a time, over all tabs too, and after a lost answer repeat with the same token.\n\n' +
    '401 `refresh_token_invalid` when the session has ended, was not refreshed for 30 days, or began ' +
    '365 days ago: log in again.',
  request: { body: jsonBody(z.object({ refreshToken: OpaqueToken }), 'The latest refresh token') },
  responses: { 200: json(Session, 'The session goes on'), ...problems },
} as const)

/** Rotates the refresh token; a spent one ends its session, since two people must hold it. */
export const refresh = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { refreshToken: token } = c.req.valid('json')
    const rotated = await rotateRefreshToken(ctx.sql, {
      token,
      client: clientOf(c, ctx.config.PROXY_DEPTH),
      idleSeconds: ctx.config.SESSION_IDLE_SECONDS,
    })
    if (rotated) return c.json(toSession(ctx, rotated.opened, rotated.refreshToken), 200)
    const reuse = await findReuse(ctx.sql, token)
    if (!reuse) {
      throw new Problem('unauthenticated', 'The session has ended: log in again', {
        reason: 'refresh_token_invalid',
      })
    }
    await change(ctx, (change) => endSession(change, { ...reuse, reason: 'refresh_reused' }))
    ctx.log.warn({ userId: reuse.userId, sessionId: reuse.sessionId }, 'a spent refresh token was shown')
    throw new Problem('unauthenticated', 'This token was used before: the session has been ended', {
      reason: 'refresh_token_reused',
    })
  })
