import { createRoute } from '@hono/zod-openapi'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { profileUpdated } from '../events.ts'
import { writeNameWords } from '../name-words.ts'
import { accountGone, ensureSelf, type ProfileRow, toProfile } from '../people.ts'
import { Profile, ProfileEdit, UserIdParam } from '../schema.ts'

const route = createRoute({
  method: 'put',
  path: '/api/v1/users/{userId}/profile',
  operationId: 'updateProfile',
  'x-access': 'user',
  tags: ['People'],
  summary: 'Change your own profile',
  description:
    'A field that is left out stays as it is; `null` empties it. `fields` replaces all of them: 20 at ' +
    'most, names up to 40 characters, values up to 200. 403 for the profile of somebody else.',
  request: { params: UserIdParam, body: jsonBody(ProfileEdit, 'What to set') },
  responses: { 200: json(Profile, 'The profile as it is now'), ...problems },
} as const)

/** Changes the caller's own profile: fields left out stay, null empties. Throws forbidden for another's. */
export const updateProfile = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = c.req.valid('param')
    const edit = c.req.valid('json')
    if (userId !== userOf(c).userId)
      throw new Problem('forbidden', 'Only the owner of a profile may change it')
    await ensureSelf(ctx, userId)
    const profile = await ctx.outbox.transaction(async (tx, emit) => {
      const [before] = await tx<ProfileRow[]>`
        select display_name, avatar, bio, age, gender, favourite_style, fields
        from people
        where user_id = ${userId} and erased_at is null
        for update`
      if (!before) throw accountGone()
      const { displayName, avatar, bio, age, gender, favouriteStyle, fields } = { ...before, ...edit }
      const [row] = await tx<ProfileRow[]>`
        update people
        set display_name = ${displayName},
          avatar = ${avatar},
          bio = ${bio},
          age = ${age},
          gender = ${gender},
          favourite_style = ${favouriteStyle},
          fields = ${tx.json(fields)},
          version = version + 1,
          updated_at = now()
        where user_id = ${userId}
        returning user_id, username, display_name, avatar, bio, age, gender, favourite_style, total_posts,
          fields, version, created_at, updated_at`
      if (!row) throw accountGone()
      if (displayName !== before.displayName) await writeNameWords(tx, row)
      const after = toProfile(row)
      const { version } = after
      emit(
        profileUpdated.emit({ subject: userId, actor: userId, version, recipients: [userId], data: after }),
      )
      return after
    })
    return c.json(profile, 200)
  })
