import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, noContent, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { changeRelations } from '../relations.ts'
import { UserIdParam } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/contacts/{userId}/refuse',
  operationId: 'refuseContact',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'Refuse a contact request',
  description:
    'The person who asked is not told: to them the request stays unanswered. It may be repeated. 404 ' +
    'when this person has not asked you or has deleted their account; 409 `contact` when you are ' +
    'contacts already.',
  request: { params: UserIdParam },
  responses: { ...noContent, ...problems },
} as const)

/**
 * Refuses a request; refusing again changes nothing. The asker is not told: their request looks unanswered,
 * as it does to someone who is blocked. Throws not_found when nobody asked, conflict for a contact.
 */
export const refuseContact = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { userId: otherId } = c.req.valid('param')
    await changeRelations(ctx, { userId, otherId }, ({ mine }) => {
      if (mine.state === 'accepted')
        throw new Problem('conflict', 'This person is a contact: remove them instead', { reason: 'contact' })
      if (mine.state === 'outgoing' || mine.version === 0)
        throw new Problem('not_found', 'This person has not asked you')
      return mine.state === 'incoming' ? { mine: { state: 'none', refused: true } } : {}
    })
    return c.body(null, 204)
  })
