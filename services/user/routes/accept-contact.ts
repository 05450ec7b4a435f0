import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import { readContact } from '../contacts.ts'
import type { Ctx } from '../context.ts'
import { changeRelations } from '../relations.ts'
import { Contact, UserIdParam } from '../schema.ts'
import { tellRelations } from '../tell-message.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/contacts/{userId}/accept',
  operationId: 'acceptContact',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'Accept a contact request',
  description:
    'It may be repeated. 404 when this person has not asked you or has deleted their account; after a ' +
    '503 repeat it.',
  request: { params: UserIdParam },
  responses: { 200: json(Contact, 'The contact'), ...problems },
} as const)

/**
 * Accepts a request; accepting again changes nothing. Someone who asked and then blocked the caller stays as
 * they are, and the caller sees what they would see otherwise. Throws not_found when nobody asked.
 */
export const acceptContact = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { userId: otherId } = c.req.valid('param')
    const pair = await changeRelations(ctx, { userId, otherId }, ({ mine, theirs }) => {
      if (mine.state === 'accepted') return {}
      if (mine.state !== 'incoming') throw new Problem('not_found', 'This person has not asked you')
      return {
        mine: { state: 'accepted' },
        ...(theirs.state === 'outgoing' ? { theirs: { state: 'accepted' } } : {}),
      }
    })
    await tellRelations(ctx, [pair.mine, pair.theirs])
    return c.json(await readContact(ctx.sql, pair.mine), 200)
  })
