import type { Transaction } from '@plaza/kit/sql'

export type Relation = {
  ownerId: string
  otherId: string
  blocked: boolean
  contact: boolean
  version: number
}
export type PrivacySetting = {
  userId: string
  whoMayWrite: 'everyone' | 'contacts' | 'nobody'
  sendDeliveryReceipts: boolean
  sendReadReceipts: boolean
  version: number
}

const lockSpace = 7_151

/**
 * Holds off changes of what these people have set until the transaction ends, so that a conversation
 * that is being opened starts with what holds when it appears.
 */
export async function keepPeople(tx: Transaction, userIds: readonly string[]): Promise<void> {
  await tx`
    select pg_advisory_xact_lock_shared(${lockSpace}, hashtext(user_id))
    from unnest(${[...userIds].sort()}::text[]) as user_id`
}

/** Takes over what `ownerId` has set about `otherId`, unless something later is known. */
export async function applyRelation(tx: Transaction, relation: Relation): Promise<void> {
  const { ownerId, otherId, blocked, contact, version } = relation
  await changePerson(tx, ownerId)
  const [changed] = await tx`
    insert into relations (owner_id, other_id, blocked, contact, version)
    select ${ownerId}, ${otherId}, ${blocked}, ${contact}, ${version}
    where not exists (select from tombstones where user_id in (${ownerId}, ${otherId}))
    on conflict (owner_id, other_id) do update
    set blocked = excluded.blocked,
      contact = excluded.contact,
      version = excluded.version
    where relations.version < excluded.version
    returning version`
  if (changed) await judgeAgain(tx, ownerId, otherId)
}

/** Takes over a user's privacy settings, unless later ones are known. */
export async function applyPrivacy(tx: Transaction, setting: PrivacySetting): Promise<void> {
  const { userId, whoMayWrite, sendDeliveryReceipts, sendReadReceipts, version } = setting
  await changePerson(tx, userId)
  const [changed] = await tx`
    insert into privacy (user_id, who_may_write, send_delivery_receipts, send_read_receipts, version)
    select ${userId}, ${whoMayWrite}, ${sendDeliveryReceipts}, ${sendReadReceipts}, ${version}
    where not exists (select from tombstones where user_id = ${userId})
    on conflict (user_id) do update
    set who_may_write = excluded.who_may_write,
      send_delivery_receipts = excluded.send_delivery_receipts,
      send_read_receipts = excluded.send_read_receipts,
      version = excluded.version
    where privacy.version < excluded.version
    returning version`
  if (changed) await judgeAgain(tx, userId)
}

/** Notes that a user is deleted: from the commit on nobody writes to them, nor they to anybody. Answers whether that is news. */
export async function buryPerson(tx: Transaction, userId: string): Promise<boolean> {
  await changePerson(tx, userId)
  const [buried] = await tx`
    insert into tombstones (user_id)
    values (${userId})
    on conflict do nothing
    returning user_id`
  if (buried) await judgeAgain(tx, userId)
  return buried !== undefined
}

async function changePerson(tx: Transaction, userId: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(${lockSpace}, hashtext(${userId}))`
}

/**
 * Decides anew who may write in a user's conversations (or in the one with `otherId`). A send waits for
 * the same locks, so it meets either the old state before this commit or the new one after it. The
 * second statement begins with the locks held and therefore sees what is true.
 */
async function judgeAgain(tx: Transaction, userId: string, otherId?: string): Promise<void> {
  const between = otherId ? tx`and ${otherId} in (low_user_id, high_user_id)` : tx``
  const locked = await tx<{ id: string }[]>`
    select id
    from conversations
    where (low_user_id = ${userId} or high_user_id = ${userId}) ${between}
    order by id
    for update`
  await tx`
    update conversations
    set low_accepts = may_write(high_user_id, low_user_id),
      high_accepts = may_write(low_user_id, high_user_id)
    where id = any(${locked.map(({ id }) => id)}::uuid[])
      and (low_accepts, high_accepts) is distinct from
        (may_write(high_user_id, low_user_id), may_write(low_user_id, high_user_id))`
}
