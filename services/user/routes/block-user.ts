import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { changeRelations } from '../relations.ts'
import { UserIdParam } from '../schema.ts'
import { tellRelations } from '../tell-message.ts'

const route = createRoute({
  method: 'put',
  path: '/api/v1/blocks/{userId}',
  operationId: 'blockUser',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'Block a person',
  description:
    'The contact ends on your side alone. The other person is not told: what they see stays as it was, ' +
    'and their messages are refused as a privacy setting would refuse them (`not_accepting`). It holds ' +
    'when the answer comes, and may be repeated. 400 for yourself; 404 for a person who does not exist ' +
    'or has deleted their account; after a 503 repeat it.',
  request: { params: UserIdParam },
  responses: { ...noContent, ...problems },
} as const)

/**
 * Blocks someone and ends the contact on the caller's side alone: what the other sees does not change, so
 * they do not learn of it. In force when the answer comes; unavailable asks for a repeat.
 */
export const blockUser = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { userId: otherId } = c.req.valid('param')
    if (otherId === userId) throw new Problem('invalid', 'Nobody can block themselves')
    const { mine } = await changeRelations(ctx, { userId, otherId }, () => ({
      mine: { state: 'none', blocked: true },
    }))
    await tellRelations(ctx, [mine])
    return c.body(null, 204)
  })
