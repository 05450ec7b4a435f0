import { createRoute, z } from '@hono/zod-openapi'
import { ProblemBody } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { allInTime, Batch, doEach } from '../on-behalf.ts'
import { ReceiptItem, ReceiptState } from '../schema.ts'

const Results = z.object({
  results: z.array(z.union([z.object({ receipt: ReceiptState }), z.object({ problem: ProblemBody })])),
})

const route = createRoute({
  method: 'post',
  path: '/internal/v1/receipts/batch',
  operationId: 'advanceReceiptsOfMany',
  'x-access': 'service',
  hide: true,
  request: { body: jsonBody(Batch(ReceiptItem), 'Receipts of several people') },
  responses: { 200: json(Results, 'An answer for each item, in their order'), ...problems },
} as const)

/** Moves pointers for the people of several sockets; each item is advanceReceipts. */
export const advanceReceiptsOfMany = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const results = doEach(ctx, ReceiptItem, c.req.valid('json').items, async (item) => ({
      receipt: await ctx.receipts.advance(item),
    }))
    return c.json({ results: await allInTime(results) }, 200)
  })
