import { userDeleted } from '@plaza/auth/events'
import { on } from '@plaza/kit/inbox'

/**
 * Puts a tombstone in a person's place and empties it, whether the person was known here or not. The rest of
 * the erasure is left as a row of work, so that it goes on after a crash.
 */
export const erasePerson = on(userDeleted, 'user-erase-person', async ({ data: { userId } }, tx) => {
  await tx`
    insert into people (user_id, erased_at)
    values (${userId}, now())
    on conflict (user_id) do update
    set erased_at = coalesce(people.erased_at, now()),
      username = null,
      display_name = null,
      bio = null,
      avatar = null,
      age = null,
      gender = null,
      favourite_style = null,
      total_posts = 0,
      fields = '{}'`
  await tx`delete from name_words where user_id = ${userId}`
  // Asked again after the end, it is gone through again, so that another receipt follows.
  await tx`
    insert into erasures (user_id)
    values (${userId})
    on conflict (user_id) do update
    set finished_at = null`
})
