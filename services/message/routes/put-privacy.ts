import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, jsonBody, noContent, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { applyPrivacy } from '../people.ts'

const PrivacySetting = z.object({
  userId: Id,
  whoMayWrite: z.enum(['everyone', 'contacts', 'nobody']),
  sendDeliveryReceipts: z.boolean(),
  sendReadReceipts: z.boolean(),
  version: z.int().min(0),
})

const route = createRoute({
  method: 'put',
  path: '/internal/v1/privacy',
  operationId: 'putPrivacy',
  'x-access': 'service',
  hide: true,
  request: { body: jsonBody(PrivacySetting, "A user's settings") },
  responses: { ...noContent, ...problems },
} as const)

/** Takes over who may write to a user and which receipts they send; it holds from this answer on. */
export const putPrivacy = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    await applyPrivacy(ctx.sql, c.req.valid('json'))
    return c.body(null, 204)
  })
