import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'

const Visible = z.object({ userIds: z.array(Id) })

const route = createRoute({
  method: 'post',
  path: '/internal/v1/presence/visible',
  operationId: 'listVisiblePresence',
  'x-access': 'service',
  hide: true,
  request: {
    body: jsonBody(z.object({ viewerId: Id, userIds: z.array(Id).max(200) }), 'Who looks at whom'),
  },
  responses: { 200: json(Visible, 'Those whose presence the viewer may see'), ...problems },
} as const)

/**
 * Says whose presence a person may see: their own, and that of those who show it to everyone, or to
 * contacts and count the viewer among theirs. A block either way hides it, and looks like any other reason.
 */
export const listVisiblePresence = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { viewerId, userIds } = c.req.valid('json')
    const rows = await ctx.sql<{ userId: string }[]>`
      select user_id
      from people
      left join relations as theirs on theirs.owner_id = user_id and theirs.other_id = ${viewerId}
      left join relations as own on own.owner_id = ${viewerId} and own.other_id = user_id
      where user_id = any(${userIds}::uuid[])
        and erased_at is null
        and (
          user_id = ${viewerId}
          or (
            (who_sees_presence = 'everyone' or (who_sees_presence = 'contacts' and theirs.state = 'accepted'))
            and theirs.blocked is not true
            and own.blocked is not true
          )
        )`
    return c.json({ userIds: rows.map(({ userId }) => userId) }, 200)
  })
