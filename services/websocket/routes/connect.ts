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
  description:
    'A WebSocket handshake with the ticket in the query. What follows is described at /docs/events. A ' +
    'refusal comes as a problem before the handshake, and the ticket is spent all the same; a browser ' +
    'shows only that the connection failed.\n\n' +
    'Errors: 400 `upgrade_required`; 401 `ticket_invalid` for a ticket that is unknown, used or too ' +
    'old, and `revoked` when the session has ended; 403 `origin_not_allowed`; 429 `too_many_sockets` ' +
    'beyond 32 of one user at a node; 503 when the node is closing.',
  request: { query: z.object({ ticket: z.string().min(1).max(128) }) },
  responses: { 101: { description: 'The socket is open' }, ...problems },
} as const)

/** Opens a socket for whom the ticket names, if the session goes on. Throws unauthenticated for a ticket that is void. */
export const connect = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
      throw new Problem('invalid', 'Ask for a WebSocket here', { reason: 'upgrade_required' })
    assertOrigin(ctx, c.req.header('origin'))
    assertStaying(ctx)
    const ticket = await withRedis(() => redeemTicket(ctx.redis, c.req.valid('query').ticket))
    await ctx.identity.assertNotRevoked(ticket)
    // Again, for who comes in after the others were told to go would not be told.
    assertStaying(ctx)
    if (ctx.sessions.of(ticket.userId).length >= ctx.config.SOCKETS_PER_USER)
      throw new Problem('limited', 'Too many sockets are open', { reason: 'too_many_sockets' })
    if (!ctx.upgrade(c.req.raw, newSession(ticket)))
      throw new Problem('invalid', 'The WebSocket handshake is not complete')
    // The socket has taken over the connection; this answer is not sent.
    return new Response(null)
  })

function assertStaying({ draining }: Ctx): void {
  if (draining()) throw new Problem('unavailable', 'This node is closing', { retryAfterSeconds: 1 })
}

function assertOrigin({ config }: Ctx, origin: string | undefined): void {
  if (origin === undefined || config.ALLOWED_ORIGINS.includes('*')) return
  if (!config.ALLOWED_ORIGINS.includes(origin))
    throw new Problem('forbidden', 'Pages of this origin may not open sockets', {
      reason: 'origin_not_allowed',
    })
}
