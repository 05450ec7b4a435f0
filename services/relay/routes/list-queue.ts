import { createRoute, z } from '@hono/zod-openapi'
import { QueryInt } from '@plaza/kit/page'
import { Problem } from '@plaza/kit/problem'
import { withRedis } from '@plaza/kit/redis'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { readAcknowledged } from '../device-cursors.ts'
import {
  type Cursor,
  fillPointers,
  findGap,
  formatCursor,
  openMailbox,
  parseCursor,
  readGeneration,
  readMailbox,
} from '../mailbox.ts'
import { refillFromQueue } from '../refill.ts'
import { CursorText, DeviceEvent, MailboxPage } from '../schema.ts'

const pageBytes = 1 << 20

const route = createRoute({
  method: 'get',
  path: '/api/v1/queue',
  operationId: 'listQueue',
  'x-access': 'user',
  tags: ['queue'],
  summary: 'Read the mailbox, as a socket would',
  description:
    'For a client without a socket: the same events in the same order. Without `cursor` it goes on ' +
    'where this device has acknowledged, or begins with the oldest event that is held. Reading removes ' +
    'nothing. Work on the page, acknowledge its `cursor`, and go on with `nextCursor` until that is ' +
    'null. Up to 100 on a page. When `gap` is true, repair as after the `gap` frame of a socket (see ' +
    '/docs/events).',
  request: {
    query: z.object({
      limit: QueryInt(1, 100).default(50).openapi({ description: 'Items on a page' }),
      cursor: CursorText.optional().openapi({ description: 'Default: what this device acknowledged' }),
    }),
  },
  responses: { 200: json(MailboxPage, 'What came since'), ...problems },
} as const)

/** Reads on in the caller's mailbox. After a gap it goes on with the oldest frame that is there. */
export const listQueue = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, sessionId } = userOf(c)
    const { cursor, limit } = c.req.valid('query')
    const wanted = cursor === undefined ? await readAcknowledged(ctx.sql, sessionId) : parseCursor(cursor)
    const isFirst = cursor === undefined && wanted === undefined
    const { gap, start, frames } = await withRedis(() => read(ctx, userId, wanted))
    const shown = (frames ?? []).slice(0, limit)
    const texts = await fill(
      ctx,
      userId,
      shown.map(({ stored }) => stored),
    )
    const items = shown.flatMap(({ n }, index) => {
      const text = texts[index]
      if (text === undefined) return []
      return [{ cursor: formatCursor({ epoch: start.epoch, n }), event: DeviceEvent.parse(JSON.parse(text)) }]
    })
    const last = shown.at(-1)
    const end = formatCursor({ epoch: start.epoch, n: last?.n ?? start.n })
    const more = last !== undefined && last.n < start.tail
    return c.json({ items, nextCursor: more ? end : null, gap: gap && !isFirst, cursor: end }, 200)
  })

async function read(ctx: Ctx, userId: string, wanted: Cursor | undefined) {
  const { redis } = ctx
  const place = await openMailbox(redis, userId, { generation: await readGeneration(redis) })
  if (!place) throw new Problem('not_found', 'There is no such user')
  const gap = findGap(wanted, place) !== undefined
  // What was enqueued outlives its frame, so it is put there again for whoever missed that.
  if (wanted ? gap : place.n === place.trimmedTo) await refillFromQueue(ctx, userId)
  const from = gap || !wanted ? { epoch: place.epoch, n: place.trimmedTo } : wanted
  const page = await readMailbox(redis, userId, from, pageBytes)
  return { gap, start: { ...from, tail: page.place.n }, frames: page.frames }
}

const fill = (ctx: Ctx, userId: string, stored: string[]) =>
  fillPointers(ctx.message, userId, stored).catch((cause) => {
    throw new Problem('unavailable', 'The messages cannot be read now', { cause, retryAfterSeconds: 1 })
  })
