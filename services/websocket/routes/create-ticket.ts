import { createRoute, z } from '@hono/zod-openapi'
import { withRedis } from '@plaza/kit/redis'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { makeTicket } from '../tickets.ts'

const TicketAnswer = z
  .object({
    ticket: z.string().openapi({ description: 'Opens one socket: GET /api/v1/ws?ticket=…' }),
    expiresAt: z.iso.datetime(),
  })
  .openapi('Ticket')

const route = createRoute({
  method: 'post',
  path: '/api/v1/ws/ticket',
  operationId: 'createTicket',
  'x-access': 'user',
  tags: ['websocket'],
  summary: 'Get a ticket for one socket',
  description:
    'A ticket opens one socket, within 30 seconds unless the operator has set otherwise (`expiresAt`). ' +
    'Get another one for each attempt to connect. It is a secret that stands for the session: a browser ' +
    'cannot send headers with a WebSocket, so it travels in the address in place of the access token.',
  request: {},
  responses: { 201: json(TicketAnswer, 'The ticket'), ...problems },
} as const)

/** Makes a one-time ticket for the caller's session. It is a secret, so a repeat gets another one. */
export const createTicket = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, sessionId, role, issuedAt } = userOf(c)
    const seconds = ctx.config.TICKET_SECONDS
    const ticket = await withRedis(() =>
      makeTicket(ctx.redis, { userId, sessionId, role, issuedAt }, seconds),
    )
    const expiresAt = new Date(Date.now() + seconds * 1_000).toISOString()
    return c.json({ ticket, expiresAt }, 201)
  })
