import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { withRedis } from '@plaza/kit/redis'
import { defineRoute, jsonBody, noContent, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { noteAcknowledgements } from '../device-cursors.ts'
import { findGap, openMailbox, parseCursor, readGeneration } from '../mailbox.ts'
import { CursorText } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/queue/ack',
  operationId: 'acknowledgeQueue',
  'x-access': 'user',
  tags: ['queue'],
  summary: 'Say how far this device has come',
  description:
    '`GET /api/v1/queue` without a cursor goes on from here. It moves forward only, and may be ' +
    'repeated; the frame `ack` of a socket does the same. Errors: 400 `cursor_invalid`; 409 ' +
    '`cursor_ahead` for a place that the mailbox has not reached, or of an epoch that is over.',
  request: { body: jsonBody(z.object({ cursor: CursorText }), 'The `cursor` of the last page or event') },
  responses: { ...noContent, ...problems },
} as const)

/** Notes where this device goes on by default. Throws conflict for a place that its mailbox has not reached. */
export const acknowledgeQueue = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, sessionId } = userOf(c)
    const cursor = parseCursor(c.req.valid('json').cursor)
    if (!cursor)
      throw new Problem('invalid', 'The cursor is not one that a mailbox gave', { reason: 'cursor_invalid' })
    const place = await withRedis(async () =>
      openMailbox(ctx.redis, userId, { generation: await readGeneration(ctx.redis) }),
    )
    const gap = place && findGap(cursor, place)
    if (!place || gap === 'epoch' || gap === 'ahead')
      throw new Problem('conflict', 'The mailbox has not come that far', { reason: 'cursor_ahead' })
    await noteAcknowledgements(ctx.sql, [{ ...cursor, userId, sessionId }])
    return c.body(null, 204)
  })
