import { createRoute, z } from '@hono/zod-openapi'
import { ProblemBody } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import { readTrace, runFor } from '@plaza/kit/trace'
import type { Ctx } from '../context.ts'
import { allInTime, Batch, doEach } from '../on-behalf.ts'
import { Message, SendItem } from '../schema.ts'

const Results = z.object({
  results: z.array(z.union([z.object({ message: Message }), z.object({ problem: ProblemBody })])),
})

const route = createRoute({
  method: 'post',
  path: '/internal/v1/messages/batch',
  operationId: 'createMessages',
  'x-access': 'service',
  hide: true,
  request: { body: jsonBody(Batch(SendItem), 'What several people send') },
  responses: { 200: json(Results, 'An answer for each item, in their order'), ...problems },
} as const)

/** Sends for the people of several sockets: each item is the same operation as createMessage, with the same answer. */
export const createMessages = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const results = sendEach(ctx, c.req.valid('json').items)
    return c.json({ results: await allInTime(results) }, 200)
  })

/** The same for sockets in this process, without a request around it. */
export const sendEach = (ctx: Ctx, items: readonly unknown[]) =>
  doEach(ctx, SendItem, items, async ({ traceparent, ...item }) => {
    const send = () => ctx.sender.send({ ...item, senderId: item.userId })
    return { message: await (traceparent ? runFor({ trace: readTrace(traceparent) }, send) : send()) }
  })
