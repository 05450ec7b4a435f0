import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { UserIdParam } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/internal/v1/users/{userId}/counters',
  operationId: 'getUserCounters',
  'x-access': 'service',
  hide: true,
  request: { params: UserIdParam },
  responses: { 200: json(z.object({ contacts: z.int() }), 'Where the counters stand'), ...problems },
} as const)

/** Says how far a person's contacts and blocks have come, for a device that has to catch up. Throws not_found when erased. */
export const getUserCounters = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const [person] = await ctx.sql<{ contacts: number; erased: boolean }[]>`
      select relations_version as contacts, erased_at is not null as erased
      from people
      where user_id = ${c.req.valid('param').userId}`
    if (person?.erased) throw new Problem('not_found', 'There is no such person')
    // Somebody whose registration has not come yet has no contacts either.
    return c.json({ contacts: person?.contacts ?? 0 }, 200)
  })
