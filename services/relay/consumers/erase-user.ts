import { userDeleted } from '@plaza/auth/events'
import { on } from '@plaza/kit/inbox'

/**
 * Erases what the database holds of a deleted user. The tombstone refuses what is still on its way, and has
 * the mailbox erased and the receipt sent, when Redis is there (see erasures.ts).
 */
export const eraseUser = on(userDeleted, 'relay-erase-user', async ({ data: { userId } }, tx) => {
  await tx`select pg_advisory_xact_lock(hashtextextended(${userId}, 0))`
  await tx`
    insert into tombstones (user_id)
    values (${userId})
    on conflict (user_id) do update
    set erased_at = null`
  await tx`delete from queue_items where user_id = ${userId}`
  await tx`delete from device_cursors where user_id = ${userId}`
  await tx`delete from idempotency_keys where user_id = ${userId}`
})
