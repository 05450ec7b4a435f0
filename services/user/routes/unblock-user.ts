import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { changeRelations } from '../relations.ts'
import { UserIdParam } from '../schema.ts'
import { tellRelations } from '../tell-message.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/blocks/{userId}',
  operationId: 'unblockUser',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'Unblock a person',
  description:
    'It brings no contact back. It may be repeated. 404 for a person with whom you never had to do or ' +
    'who has deleted their account; after a 503 repeat it.',
  request: { params: UserIdParam },
  responses: { ...noContent, ...problems },
} as const)

/** Ends a block; it brings no contact back. Repeats change nothing; not_found for someone never met. */
export const unblockUser = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { userId: otherId } = c.req.valid('param')
    const { mine } = await changeRelations(ctx, { userId, otherId }, (pair) => {
      if (pair.mine.version === 0) throw new Problem('not_found', 'This person is not blocked')
      return { mine: { blocked: false } }
    })
    await tellRelations(ctx, [mine])
    return c.body(null, 204)
  })
