import { every } from '@plaza/kit/every'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import { userDataErased } from './events.ts'
import { applyChange, type Relation } from './relations.ts'

const pauseMs = 500

/** Works off the erasures that tombstones have left, after a crash as well; several instances share them. */
export const startErasing = (ctx: Ctx): (() => Promise<void>) =>
  every(pauseMs, ctx.log, async (signal) => {
    if (await isAnyDue(ctx)) while (!signal.aborted && (await eraseNext(ctx)));
  })

async function isAnyDue({ sql }: Ctx): Promise<boolean> {
  const rows = await sql`select from erasures where finished_at is null and due_at <= now() limit 1`
  return rows.length > 0
}

/**
 * Does one step of one open erasure in one transaction: ends up to a batch of others' relations with the
 * erased person, or, when none is left, drops what was theirs and sends the receipt. Answers false when no
 * erasure is due. The tombstone keeps new relations from being made meanwhile. One that fails waits, so that
 * it holds back no other.
 */
async function eraseNext(ctx: Ctx): Promise<boolean> {
  let userId: string | undefined
  try {
    return await ctx.outbox.transaction(async (tx, emit) => {
      userId = await lockNext(tx)
      if (!userId) return false
      const relations = await lockRelationsWith(tx, userId, ctx.config.ERASURE_BATCH)
      for (const relation of relations)
        await applyChange(tx, emit, relation, { state: 'none', blocked: false })
      if (relations.length === 0 && (await dropOwnRows(tx, userId)))
        emit(userDataErased.emit({ subject: userId, data: { userId } }))
      return true
    })
  } catch (error) {
    if (userId) await postpone(ctx, userId)
    throw error
  }
}

async function lockNext(tx: Transaction): Promise<string | undefined> {
  const [due] = await tx<{ userId: string }[]>`
    select user_id
    from erasures
    where finished_at is null and due_at <= now()
    order by due_at
    limit 1
    for update skip locked`
  return due?.userId
}

async function postpone({ sql }: Ctx, userId: string): Promise<void> {
  await sql`update erasures set due_at = now() + interval '1 minute' where user_id = ${userId}`
}

/** Others' relations with a person, under the locks of those others' rows, in the order in which all take them. */
async function lockRelationsWith(tx: Transaction, userId: string, batch: number): Promise<Relation[]> {
  const owners = await tx<{ userId: string }[]>`
    select user_id
    from people
    where erased_at is null
      and user_id in (
        select owner_id
        from relations
        join people as owner on owner.user_id = owner_id
        where other_id = ${userId} and (state <> 'none' or blocked) and owner.erased_at is null
        order by owner_id
        limit ${batch}
      )
    order by user_id
    for update`
  return await tx<Relation[]>`
    select owner_id, other_id, state, blocked, version
    from relations
    where other_id = ${userId} and owner_id = any(${owners.map((owner) => owner.userId)}::uuid[])`
}

const pageOfOwn = 1_000

/** Drops a page of somebody's own relations, and with the last of them the rest; answers whether nothing is left. */
async function dropOwnRows(tx: Transaction, userId: string): Promise<boolean> {
  const relations = await tx`
    delete from relations
    where owner_id = ${userId} and other_id in (
      select other_id
      from relations
      where owner_id = ${userId}
      limit ${pageOfOwn}
    )`
  if (relations.count === pageOfOwn) return false
  await tx`delete from contact_asks where owner_id = ${userId} or other_id = ${userId}`
  await tx`delete from idempotency_keys where user_id = ${userId}`
  await tx`update erasures set finished_at = now() where user_id = ${userId}`
  return true
}
