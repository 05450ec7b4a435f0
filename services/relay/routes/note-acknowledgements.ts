import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, jsonBody, noContent, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { noteAcknowledgements as note } from '../device-cursors.ts'
import { parseCursor } from '../mailbox.ts'
import { CursorText } from '../schema.ts'

const Item = z.object({ userId: Id, sessionId: Id, cursor: CursorText })

const route = createRoute({
  method: 'put',
  path: '/internal/v1/acknowledgements',
  operationId: 'noteAcknowledgements',
  'x-access': 'service',
  hide: true,
  request: { body: jsonBody(z.object({ items: z.array(Item).max(500) }), 'How far devices have come') },
  responses: { ...noContent, ...problems },
} as const)

/** Notes what sockets acknowledged; the node of sockets has checked that each place was reached. */
export const noteAcknowledgements = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { items } = c.req.valid('json')
    const acknowledgements = items.flatMap(({ cursor, ...whose }) => {
      const place = parseCursor(cursor)
      return place ? [{ ...place, ...whose }] : []
    })
    await note(ctx.sql, acknowledgements)
    return c.body(null, 204)
  })
