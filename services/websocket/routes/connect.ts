import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { withRedis } from '@plaza/kit/redis'
import { defineRoute, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { newSession } from '../session.ts'
import { redeemTicket } from '../tickets.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/ws',
  operationId: 'connect',
  'x-access': 'public',
  tags: ['websocket'],
  summary: 'Open a socket',
  description: 'The frames that follow are in the AsyncAPI document.',
  request: { query: z.object({ ticket: z.string().min(1).max(128) }) },
  responses: { 101: { description: 'The socket is open' }, ...problems },
} as const)

/** Opens a socket for whom the ticket names, if the session goes on. Throws unauthenticated for a ticket that is void. */
export const connect = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
      throw new Problem('invalid', 'Ask for a WebSocket here', { reason: 'upgrade_required' })
    assertOrigin(ctx, c.req.header('origin'))
    if (ctx.draining()) throw new Problem('unavailable', 'This node is closing', { retryAfterSeconds: 1 })
    const ticket = await withRedis(() => redeemTicket(ctx.redis, c.req.valid('query').ticket))
    await ctx.identity.assertNotRevoked(ticket)
    if (ctx.sessions.of(ticket.userId).length >= ctx.config.SOCKETS_PER_USER)
      throw new Problem('limited', 'Too many sockets are open', { reason: 'too_many_sockets' })
    if (!ctx.upgrade(c.req.raw, newSession(ticket)))
      throw new Problem('invalid', 'The WebSocket handshake is not complete')
    // The socket has taken over the connection; this answer is not sent.
    return new Response(null)
  })

function assertOrigin({ config }: Ctx, origin: string | undefined): void {
  if (origin === undefined || config.ALLOWED_ORIGINS.includes('*')) return
  if (!config.ALLOWED_ORIGINS.includes(origin))
    throw new Problem('forbidden', 'Pages of this origin may not open sockets', {
      reason: 'origin_not_allowed',
    })
}
