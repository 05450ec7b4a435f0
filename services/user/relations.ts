import type { Emission, EventDefinition } from '@plaza/kit/events'
import { Problem } from '@plaza/kit/problem'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import {
  blockAdded,
  blockRemoved,
  contactAccepted,
  contactRefused,
  contactRemoved,
  contactRequested,
  type RelationData,
} from './events.ts'
import { accountGone, ensurePerson, ensureSelf } from './people.ts'
import type { ContactState } from './schema.ts'

/** What one person has set about another. `version` is 0 while there is no row. */
export type Relation = {
  ownerId: string
  otherId: string
  state: ContactState
  blocked: boolean
  version: number
}

/** The two directions of a pair, the caller's first. */
export type Pair = { mine: Relation; theirs: Relation }

/** What becomes of a direction; what is left out stays. */
type Change = { state?: ContactState; blocked?: boolean; refused?: boolean }
export type Decision = { mine?: Change; theirs?: Change }

type Options = { userId: string; otherId: string }
type Emit = (emission: Emission) => void

/**
 * Changes how two people stand to each other. Both rows of people are locked in the order of their ids, so
 * changes of one pair take turns and changes of different pairs never wait in a circle. Only the side
 * whose own view changed gets an event. Answers both directions as they are now; throws not_found when
 * the other is gone.
 */
export async function changeRelations(
  ctx: Ctx,
  { userId, otherId }: Options,
  decide: (pair: Pair, tx: Transaction) => Decision | Promise<Decision>,
): Promise<Pair> {
  await ensureSelf(ctx, userId)
  await ensurePerson(ctx, otherId)
  return await ctx.outbox.transaction(async (tx, emit) => {
    await lockPeople(tx, userId, otherId)
    const pair = await readPair(tx, userId, otherId)
    const { mine, theirs } = await decide(pair, tx)
    return {
      mine: await applyChange(tx, emit, pair.mine, mine ?? {}, userId),
      theirs: await applyChange(tx, emit, pair.theirs, theirs ?? {}, userId),
    }
  })
}

async function lockPeople(tx: Transaction, userId: string, otherId: string): Promise<void> {
  const locked = await tx<{ userId: string }[]>`
    select user_id
    from people
    where user_id in (${userId}, ${otherId}) and erased_at is null
    order by user_id
    for update`
  if (!locked.some((person) => person.userId === userId)) throw accountGone()
  if (!locked.some((person) => person.userId === otherId))
    throw new Problem('not_found', 'There is no such person')
}

async function readPair(tx: Transaction, userId: string, otherId: string): Promise<Pair> {
  const rows = await tx<Relation[]>`
    select owner_id, other_id, state, blocked, version
    from relations
    where (owner_id, other_id) in ((${userId}, ${otherId}), (${otherId}, ${userId}))`
  const of = (ownerId: string, other: string): Relation =>
    rows.find((row) => row.ownerId === ownerId) ?? {
      ownerId,
      otherId: other,
      state: 'none',
      blocked: false,
      version: 0,
    }
  return { mine: of(userId, otherId), theirs: of(otherId, userId) }
}

/** Stores a direction with what it tells; each event has a version of its own. The owner's row of people is locked. */
export async function applyChange(
  tx: Transaction,
  emit: Emit,
  relation: Relation,
  change: Change,
  actor?: string,
): Promise<Relation> {
  const state = change.state ?? relation.state
  const blocked = change.blocked ?? relation.blocked
  const told: EventDefinition<RelationData>[] = []
  if (state !== relation.state) told.push(change.refused ? contactRefused : contactEvents[state])
  if (blocked !== relation.blocked) told.push(blocked ? blockAdded : blockRemoved)
  if (told.length === 0) return relation
  const { ownerId, otherId } = relation
  const [counter] = await tx<{ version: number }[]>`
    update people
    set relations_version = relations_version + ${told.length}
    where user_id = ${ownerId}
    returning relations_version as version`
  const version = counter?.version ?? 0
  await tx`
    insert into relations (owner_id, other_id, state, blocked, version)
    values (${ownerId}, ${otherId}, ${state}, ${blocked}, ${version})
    on conflict (owner_id, other_id) do update
    set state = excluded.state, blocked = excluded.blocked, version = excluded.version, changed_at = now()`
  for (const [index, event] of told.entries()) {
    const own = version - told.length + 1 + index
    const data = { userId: ownerId, otherId, state, blocked, version: own }
    emit(
      event.emit({
        actor,
        subject: ownerId,
        version: own,
        recipients: [ownerId],
        data,
      }),
    )
  }
  return { ownerId, otherId, state, blocked, version }
}

const contactEvents: Record<ContactState, EventDefinition<RelationData>> = {
  none: contactRemoved,
  outgoing: contactRequested,
  incoming: contactRequested,
  accepted: contactAccepted,
}
