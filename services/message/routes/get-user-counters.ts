import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { isListed } from '../conversation-row.ts'

const atMost = 100

const Counters = z.object({
  conversations: z.array(
    z.object({
      id: Id,
      seq: z.int(),
      revision: z.int(),
      /** The user's own pointers, for a move that the other one may not see leaves the revision as it is. */
      deliveredSeq: z.int(),
      readSeq: z.int(),
    }),
  ),
  more: z.boolean(),
})

const route = createRoute({
  method: 'get',
  path: '/internal/v1/users/{userId}/counters',
  operationId: 'getUserCounters',
  'x-access': 'service',
  hide: true,
  request: { params: z.object({ userId: Id }) },
  responses: { 200: json(Counters, 'The hundred conversations last active'), ...problems },
} as const)

/** Where a user's conversations stand, for a device that missed something to see what it must fetch. */
export const getUserCounters = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const rows = await ctx.sql<z.output<typeof Counters>['conversations']>`
      select id, seq, revision, delivered_seq, read_seq
      from memberships
      where user_id = ${c.req.valid('param').userId} and ${isListed(ctx.sql)}
      order by active_at desc, id desc
      limit ${atMost + 1}`
    return c.json({ conversations: rows.slice(0, atMost), more: rows.length > atMost }, 200)
  })
