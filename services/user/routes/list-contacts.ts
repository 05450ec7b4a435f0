import { createRoute, z } from '@hono/zod-openapi'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import { type ContactRow, toContact } from '../contacts.ts'
import type { Ctx } from '../context.ts'
import { Contact, ContactState } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/contacts',
  operationId: 'listContacts',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'List contacts or contact requests, the newest first',
  description:
    '`state` chooses the contacts (`accepted`), the requests that you got (`incoming`) or those that ' +
    'you sent (`outgoing`). Up to 100 on a page.',
  request: {
    query: PageQuery.extend({ state: ContactState.exclude(['none']).default('accepted') }),
  },
  responses: { 200: json(Page(Contact, 'Contact'), 'Contacts or requests, the newest first'), ...problems },
} as const)

/** Lists the caller's contacts, the requests they got, or those they sent. */
export const listContacts = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { state, limit, cursor } = c.req.valid('query')
    const [before] = readCursor(cursor, z.tuple([z.int()])) ?? [Number.MAX_SAFE_INTEGER]
    const rows = await ctx.sql<ContactRow[]>`
      select people.user_id, username, display_name, avatar, relations.state, relations.version, changed_at
      from relations
      join people on people.user_id = other_id
      where owner_id = ${userOf(c).userId}
        and relations.state = ${state}
        and relations.version < ${before}
        and erased_at is null
      order by relations.version desc
      limit ${limit + 1}`
    return c.json(
      toPage(rows, limit, ({ version }) => [version], toContact),
      200,
    )
  })
