import { createRoute, z } from '@hono/zod-openapi'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems } from '@plaza/kit/route'
import { Text } from '@plaza/kit/text'
import { type AdminUserRow, adminUserColumns, toAdminUser } from '../admin-users.ts'
import type { Ctx } from '../context.ts'
import { AdminUser } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/admin/users',
  operationId: 'listUsers',
  'x-access': 'admin',
  tags: ['Administration'],
  summary: 'All accounts, the newest first',
  description:
    'Up to 100 on a page. Erased accounts are left out, deleted ones that are still being erased are ' +
    'not.',
  request: {
    query: PageQuery.extend({
      query: Text(254).optional().openapi({ description: 'The beginning of a username or e-mail address' }),
    }),
  },
  responses: { 200: json(Page(AdminUser, 'AdminUser'), 'A page'), ...problems },
} as const)

/** Lists accounts that are not erased. */
export const listUsers = ({ sql }: Ctx) =>
  defineRoute(route, async (c) => {
    const { limit, cursor, query } = c.req.valid('query')
    const [before] = readCursor(cursor, z.tuple([z.uuid()])) ?? []
    // In the form in which names and addresses are kept. The store makes small letters of both sides of a name: it has
    // another small Σ than JavaScript.
    const beginning = query && `${query.normalize('NFKC').replaceAll(/[\\%_]/g, '\\$&')}%`
    const rows = await sql<AdminUserRow[]>`
      select ${adminUserColumns(sql)}
      from users
      where username is not null
        ${beginning ? sql`and (lower(username) like lower(${beginning}) or email_key like ${beginning.toLowerCase()})` : sql``}
        ${before ? sql`and id < ${before}` : sql``}
      order by id desc
      limit ${limit + 1}`
    return c.json(
      toPage(rows, limit, ({ id }) => [id], toAdminUser),
      200,
    )
  })
