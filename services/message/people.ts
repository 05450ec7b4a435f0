import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { createTurns } from '@plaza/kit/turns'

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
  if (changed) await judge(tx, await findConversationIds(tx, ownerId, otherId))
}

/**
 * One judgement of a user's conversations at a time, and few of all users': each holds a connection, and who changes
 * their settings again and again only waits for themselves.
 */
const inTurn = createTurns({ atOnce: 3, waitMs: 1_500 })

/**
 * Takes over a user's privacy settings, unless later ones are known; they hold in all conversations when it resolves.
 * Throws Problem unavailable when it takes too long until they are judged; that happens all the same (startJudging).
 */
export async function applyPrivacy(sql: Sql, setting: PrivacySetting): Promise<void> {
  await sql.begin((tx) => storePrivacy(tx, setting))
  await inTurn(setting.userId, () => judgeByPrivacy(sql, setting.userId))
}

/** Stores privacy settings, unless later ones are known. They hold in the conversations that are opened from then on. */
export async function storePrivacy(tx: Transaction, setting: PrivacySetting): Promise<void> {
  const { userId, whoMayWrite, sendDeliveryReceipts, sendReadReceipts, version } = setting
  await changePerson(tx, userId)
  await tx`
    insert into privacy (user_id, who_may_write, send_delivery_receipts, send_read_receipts, version)
    select ${userId}, ${whoMayWrite}, ${sendDeliveryReceipts}, ${sendReadReceipts}, ${version}
    where not exists (select from tombstones where user_id = ${userId})
    on conflict (user_id) do update
    set who_may_write = excluded.who_may_write,
      send_delivery_receipts = excluded.send_delivery_receipts,
      send_read_receipts = excluded.send_read_receipts,
      version = excluded.version,
      -- Receipts have no part in the judgement of conversations.
      judged_version = case
        when privacy.judged_version = privacy.version and privacy.who_may_write = excluded.who_may_write
          then excluded.version
        else privacy.judged_version
      end
    where privacy.version < excluded.version`
}

/** Puts the settings in force that are stored and not yet in force everywhere: those of a call that did not end, or of an event. */
export const startJudging = ({ sql, log }: { sql: Sql; log: Log }): (() => Promise<void>) =>
  every(500, log, async (signal) => {
    const users = await sql<{ userId: string }[]>`
      select user_id
      from privacy
      where judged_version < version
      limit 100`
    const judged = await Promise.allSettled(
      users.map(({ userId }) => inTurn(userId, () => judgeByPrivacy(sql, userId, signal))),
    )
    for (const { reason } of judged.filter((one) => one.status === 'rejected'))
      log.debug({ err: reason }, 'privacy not in force yet; it is tried again')
  })

const pageOfConversations = 200

/**
 * Judges all conversations of a user by the settings that are stored, unless that is done. Each page has a
 * transaction of its own, so that sends wait for few conversations at a time and no statement takes long. When the
 * signal comes, the rest is left to another time.
 */
async function judgeByPrivacy(sql: Sql, userId: string, signal?: AbortSignal): Promise<void> {
  const [stored] = await sql<{ version: number }[]>`
    select version
    from privacy
    where user_id = ${userId} and judged_version < version`
  if (!stored) return
  const ids = await findConversationIds(sql, userId)
  for (let start = 0; start < ids.length; start += pageOfConversations) {
    if (signal?.aborted) return
    await sql.begin(async (tx) => {
      await changePerson(tx, userId)
      await judge(tx, ids.slice(start, start + pageOfConversations))
    })
  }
  await sql`
    update privacy
    set judged_version = ${stored.version}
    where user_id = ${userId} and judged_version < ${stored.version}`
}

/** Notes that a user is deleted: from the commit on nobody opens a conversation with them, and judgements find against them. */
export async function buryPerson(tx: Transaction, userId: string): Promise<void> {
  await changePerson(tx, userId)
  await tx`
    insert into tombstones (user_id)
    values (${userId})
    on conflict do nothing`
}

/** Judges the next of a deleted person's conversations, and answers up to which one; undefined when there are none. */
export async function judgeBuried(
  tx: Transaction,
  userId: string,
  after: string,
): Promise<string | undefined> {
  const conversations = await tx<{ id: string }[]>`
    select id
    from memberships
    where user_id = ${userId} and id > ${after}
    order by id
    limit ${pageOfConversations}`
  const ids = conversations.map(({ id }) => id)
  await judge(tx, ids)
  return ids.at(-1)
}

async function changePerson(tx: Transaction, userId: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(${lockSpace}, hashtext(${userId}))`
}

/** A user's conversations, or the one with `otherId`. */
async function findConversationIds(
  sql: Sql | Transaction,
  userId: string,
  otherId?: string,
): Promise<string[]> {
  const between = otherId ? sql`and ${otherId} in (low_user_id, high_user_id)` : sql``
  const conversations = await sql<{ id: string }[]>`
    select id
    from conversations
    where (low_user_id = ${userId} or high_user_id = ${userId}) ${between}
    order by id`
  return conversations.map(({ id }) => id)
}

/**
 * Decides anew who may write in these conversations. A send waits for the same locks, so it meets either
 * the old state before this commit or the new one after it. The second statement begins with the locks
 * held and therefore sees what is true.
 */
async function judge(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx`
    select id
    from conversations
    where id = any(${[...ids]}::uuid[])
    order by id
    for update`
  await tx`
    update conversations
    set low_accepts = may_write(high_user_id, low_user_id),
      high_accepts = may_write(low_user_id, high_user_id)
    where id = any(${[...ids]}::uuid[])
      and (low_accepts, high_accepts) is distinct from
        (may_write(high_user_id, low_user_id), may_write(low_user_id, high_user_id))`
}
