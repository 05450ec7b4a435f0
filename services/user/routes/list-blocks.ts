import { createRoute, z } from '@hono/zod-openapi'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { type PersonRow, toPerson } from '../people.ts'
import { Block } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/blocks',
  operationId: 'listBlocks',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'List the people whom you have blocked, the latest first',
  description: 'Up to 100 on a page.',
  request: { query: PageQuery },
  responses: { 200: json(Page(Block, 'Block'), 'The blocked, the latest first'), ...problems },
} as const)

type Row = PersonRow & { version: number; changedAt: Date }

/** Lists whom the caller has blocked. */
export const listBlocks = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const [before] = readCursor(cursor, z.tuple([z.int()])) ?? [Number.MAX_SAFE_INTEGER]
    const rows = await ctx.sql<Row[]>`
      select people.user_id, username, display_name, avatar, relations.version, changed_at
      from relations
      join people on people.user_id = other_id
      where owner_id = ${userOf(c).userId}
        and blocked
        and relations.version < ${before}
        and erased_at is null
      order by relations.version desc
      limit ${limit + 1}`
    const toBlock = (row: Row) => ({
      person: toPerson(row),
      version: row.version,
      blockedAt: row.changedAt.toISOString(),
    })
    return c.json(
      toPage(rows, limit, ({ version }) => [version], toBlock),
      200,
    )
  })
