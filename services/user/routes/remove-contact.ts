import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { changeRelations, type Decision, type Pair } from '../relations.ts'
import { UserIdParam } from '../schema.ts'
import { tellRelations } from '../tell-message.ts'

const route = createRoute({
  method: 'delete',
  path: '/api/v1/contacts/{userId}',
  operationId: 'removeContact',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'Remove a contact, or withdraw or refuse a request',
  description:
    'A contact or a request of yours ends on both sides; a request that you got is refused, which its ' +
    'sender is not told. It may be repeated. 404 for a person with whom you never had to do or who has ' +
    'deleted their account; after a 503 repeat it.',
  request: { params: UserIdParam },
  responses: { ...noContent, ...problems },
} as const)

/** Ends a contact on both sides, withdraws a request of one's own, or refuses another's. Repeats change nothing. */
export const removeContact = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { userId: otherId } = c.req.valid('param')
    const pair = await changeRelations(ctx, { userId, otherId }, remove)
    await tellRelations(ctx, [pair.mine, pair.theirs])
    return c.body(null, 204)
  })

function remove({ mine, theirs }: Pair): Decision {
  if (mine.version === 0) throw new Problem('not_found', 'This person is no contact')
  if (mine.state === 'none') return {}
  if (mine.state === 'incoming') return { mine: { state: 'none', refused: true } }
  const shared = theirs.state === 'accepted' || theirs.state === 'incoming'
  return { mine: { state: 'none' }, ...(shared ? { theirs: { state: 'none' } } : {}) }
}
