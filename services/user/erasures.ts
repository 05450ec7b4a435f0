import { every } from '@plaza/kit/every'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import { userDataErased } from './events.ts'
import { applyChange, type Relation } from './relations.ts'

const pauseMs = 500

/** Works off the erasures that tombstones have left, after a crash as well; several instances share them. */
export const startErasing = (ctx: Ctx): (() => Promise<void>) =>
  every(pauseMs, ctx.log, async () => {
    while (await eraseNext(ctx));
  })

/**
 * Does one step of one open erasure in one transaction: ends up to a batch of others' relations with the
 * erased person, or, when none is left, drops what was theirs and sends the receipt. Answers false when no
 * erasure is open. The tombstone keeps new relations from being made meanwhile.
 */
export async function eraseNext(ctx: Ctx): Promise<boolean> {
  const batch = ctx.config.ERASURE_BATCH
  return await ctx.outbox.transaction(async (tx, emit) => {
    const [open] = await tx<{ userId: string }[]>`
      select user_id
      from erasures
      where finished_at is null
      order by user_id
      limit 1
      for update skip locked`
    if (!open) return false
    const relations = await lockRelationsWith(tx, open.userId, batch)
    for (const relation of relations)
      await applyChange(tx, emit, relation, { state: 'none', blocked: false }, {})
    if (relations.length === 0) {
      await dropOwnRows(tx, open.userId)
      emit(userDataErased.emit({ subject: open.userId, data: { userId: open.userId } }))
    }
    return true
  })
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

async function dropOwnRows(tx: Transaction, userId: string): Promise<void> {
  await tx`delete from relations where owner_id = ${userId}`
  await tx`delete from idempotency_keys where user_id = ${userId}`
  await tx`update erasures set finished_at = now() where user_id = ${userId}`
}
