import { userDeleted } from '@plaza/auth/events'
import { on } from '@plaza/kit/inbox'
import { buryPerson } from '../people.ts'

/**
 * Begins to erase a deleted user: the tombstone stands when this commits, and erasure.ts does the rest. When the
 * event is repeated, the last sweep is, and the receipt.
 */
export const erasePerson = on(userDeleted, 'message-erase-person', async ({ data: { userId } }, tx) => {
  await buryPerson(tx, userId)
  await tx`
    insert into erasures (user_id, judged_up_to)
    values (${userId}, ${beforeAll})
    on conflict (user_id) do update
    set finished_at = null
    where erasures.finished_at is not null`
})

/** Below every UUIDv7. */
const beforeAll = '00000000-0000-0000-0000-000000000000'
