import { createRoute, z } from '@hono/zod-openapi'
import { Page, PageQuery, readCursor, toPage } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { DeviceSession } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/auth/sessions',
  operationId: 'listSessions',
  'x-access': 'user',
  tags: ['Devices'],
  summary: 'The devices where one is logged in, the latest log-in first',
  description: 'Up to 100 on a page. Sessions that have ended are left out.',
  request: { query: PageQuery },
  responses: { 200: json(Page(DeviceSession, 'DeviceSession'), 'A page'), ...problems },
} as const)

type Row = {
  id: string
  deviceName: string | null
  userAgent: string | null
  ip: string | null
  createdAt: Date
  lastUsedAt: Date
}

/** Lists the caller's sessions that go on. */
export const listSessions = ({ sql, config }: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId, sessionId } = userOf(c)
    const { limit, cursor } = c.req.valid('query')
    const [before] = readCursor(cursor, z.tuple([z.uuid()])) ?? []
    const rows = await sql<Row[]>`
      select id, device_name, user_agent, ip, created_at, last_used_at
      from sessions
      where user_id = ${userId}
        and ended_at is null
        and expires_at > now()
        and refreshed_at > now() - make_interval(secs => ${config.SESSION_IDLE_SECONDS})
        ${before ? sql`and id < ${before}` : sql``}
      order by id desc
      limit ${limit + 1}`
    const page = toPage(
      rows,
      limit,
      ({ id }) => [id],
      ({ id, deviceName, userAgent, ip, createdAt, lastUsedAt }) => ({
        id,
        device: deviceName === null ? null : { name: deviceName },
        userAgent,
        ip,
        createdAt: createdAt.toISOString(),
        lastUsedAt: lastUsedAt.toISOString(),
        current: id === sessionId,
      }),
    )
    return c.json(page, 200)
  })
