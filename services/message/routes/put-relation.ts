import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, jsonBody, noContent, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { applyRelation } from '../people.ts'

const Relation = z.object({
  ownerId: Id,
  otherId: Id,
  blocked: z.boolean(),
  contact: z.boolean(),
  version: z.int().min(0),
})

const route = createRoute({
  method: 'put',
  path: '/internal/v1/relations',
  operationId: 'putRelation',
  'x-access': 'service',
  hide: true,
  request: { body: jsonBody(Relation, 'What the owner has set about the other') },
  responses: { ...noContent, ...problems },
} as const)

/** Takes over a contact or a block. After this answer, no message of a blocked person is stored any more. */
export const putRelation = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    await ctx.sql.begin((tx) => applyRelation(tx, c.req.valid('json')))
    return c.body(null, 204)
  })
