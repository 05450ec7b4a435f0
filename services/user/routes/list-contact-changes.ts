import { createRoute, z } from '@hono/zod-openapi'
import { QueryInt } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { type PersonRow, toPerson } from '../people.ts'
import type { Relation } from '../relations.ts'
import { RelationState } from '../schema.ts'

const ContactChanges = z
  .object({
    items: z.array(RelationState),
    version: z.int().openapi({ description: 'Ask with `after` this version next' }),
    more: z.boolean().openapi({ description: 'Whether there are more: ask again' }),
  })
  .openapi('ContactChanges')

const route = createRoute({
  method: 'get',
  path: '/api/v1/contacts/changes',
  operationId: 'listContactChanges',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'List what changed among contacts and blocks since a version',
  description:
    'Each contact, request and block that changed since `after`, once, as it is now, in the order of ' +
    '`version`; up to 100 in an answer. One that ended has the state `none`. While `more` is true, ask ' +
    'again with `after` set to the `version` of the answer. A device repairs a gap by it.',
  request: {
    query: z.object({
      after: QueryInt(0, Number.MAX_SAFE_INTEGER)
        .default(0)
        .openapi({ description: 'The `version` up to which all is known; 0 asks for everything' }),
      limit: QueryInt(1, 100).default(100),
    }),
  },
  responses: { 200: json(ContactChanges, 'What changed, as it is now'), ...problems },
} as const)

type Row = Pick<Relation, 'otherId' | 'state' | 'blocked' | 'version'> & {
  [K in keyof PersonRow]: PersonRow[K] | null
}

/**
 * Answers every contact, request and block of the caller that changed after a version, removed ones
 * included, each once in its present state. A device that missed frames catches up by it.
 */
export const listContactChanges = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const { after, limit } = c.req.valid('query')
    const rows = await ctx.sql<Row[]>`
      select other_id, relations.state, blocked, relations.version,
        people.user_id, username, display_name, avatar
      from relations
      left join people on people.user_id = other_id and erased_at is null
      where owner_id = ${userId} and relations.version > ${after}
      order by relations.version
      limit ${limit + 1}`
    const shown = rows.slice(0, limit)
    return c.json(
      {
        items: shown.map(toRelationState),
        version: shown.at(-1)?.version ?? after,
        more: rows.length > limit,
      },
      200,
    )
  })

const toRelationState = ({
  otherId,
  state,
  blocked,
  version,
  userId,
  username,
  displayName,
  avatar,
}: Row) => ({
  userId: otherId,
  person: userId && username ? toPerson({ userId, username, displayName, avatar }) : null,
  state,
  blocked,
  version,
})
