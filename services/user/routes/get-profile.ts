import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { ensurePerson, ensureSelf, type ProfileRow, toProfile } from '../people.ts'
import { Profile, UserIdParam } from '../schema.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/users/{userId}/profile',
  operationId: 'getProfile',
  'x-access': 'user',
  tags: ['People'],
  summary: 'Get the profile of a person',
  description:
    'It is the same for everybody who is logged in, blocked or not. 404 for a person who does not exist ' +
    'or has deleted their account.',
  request: { params: UserIdParam },
  responses: { 200: json(Profile, 'The profile'), ...problems },
} as const)

/** Shows a profile. It is the same for everybody, so it tells nobody whether they are blocked. */
export const getProfile = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    await (userId === userOf(c).userId ? ensureSelf : ensurePerson)(ctx, userId)
    const [row] = await ctx.sql<ProfileRow[]>`
      select user_id, username, display_name, avatar, bio, age, gender, favourite_style, total_posts, fields,
        version, created_at, updated_at
      from people
      where user_id = ${userId} and erased_at is null`
    if (!row) throw new Problem('not_found', 'There is no such person')
    return c.json(toProfile(row), 200)
  })
