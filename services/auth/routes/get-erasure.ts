import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { Erasure } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/auth/erasures/{erasureId}',
  operationId: 'getErasure',
  'x-access': 'public',
  tags: ['Account'],
  summary: 'How far the erasure of a deleted account has come',
  description:
    'The id, which only the answer to the deletion gave, is all that is needed. 404 for any other id.',
  request: { params: z.object({ erasureId: Id }) },
  responses: { 200: json(Erasure, 'The erasure'), ...problems },
} as const)

type Row = { userId: string; startedAt: Date; finishedAt: Date | null }

/** Shows the receipts. Whoever deleted the account can no longer log in, so the id alone opens it; nobody can guess it. */
export const getErasure = ({ sql, config }: Ctx) =>
  defineRoute(route, async (c) => {
    const { erasureId } = c.req.valid('param')
    const [erasure] = await sql<Row[]>`
      select user_id, started_at, finished_at
      from erasures
      where id = ${erasureId}`
    if (!erasure) throw new Problem('not_found', 'There is no such erasure')
    const received = await sql<{ service: string; receivedAt: Date }[]>`
      select service, received_at
      from erasure_receipts
      where user_id = ${erasure.userId}
      order by service`
    const missing = erasure.finishedAt
      ? []
      : config.ERASING_SERVICES.filter((name) => !received.some(({ service }) => service === name))
    const receipts = [
      ...received.map(({ service, receivedAt }) => ({ service, receivedAt: receivedAt.toISOString() })),
      ...missing.map((service) => ({ service, receivedAt: null })),
    ]
    const finishedAt = erasure.finishedAt?.toISOString() ?? null
    const status = finishedAt ? ('done' as const) : ('running' as const)
    const startedAt = erasure.startedAt.toISOString()
    return c.json({ id: erasureId, status, startedAt, finishedAt, receipts }, 200)
  })
