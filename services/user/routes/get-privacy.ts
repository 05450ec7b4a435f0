import { createRoute } from '@hono/zod-openapi'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { accountGone, ensureSelf } from '../people.ts'
import { Privacy } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/me/privacy',
  operationId: 'getPrivacy',
  'x-access': 'user',
  tags: ['People'],
  summary: 'Get your privacy settings',
  description:
    'Who may write to you, who sees whether you are online, and which receipts others get from you.',
  responses: { 200: json(Privacy, "The caller's settings"), ...problems },
} as const)

/** Shows who may write to the caller and what others learn of them. */
export const getPrivacy = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    await ensureSelf(ctx, userId)
    const [privacy] = await ctx.sql<Privacy[]>`
      select who_may_write, who_sees_presence, send_delivery_receipts, send_read_receipts,
        privacy_version as version
      from people
      where user_id = ${userId} and erased_at is null`
    if (!privacy) throw accountGone()
    return c.json(privacy, 200)
  })
