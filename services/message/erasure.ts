import { every } from '@plaza/kit/every'
import type { Sql, Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import {
  type Change,
  type Erasing,
  emptyMessages,
  pageOfMessages,
  takeBackReactions,
} from './erase-messages.ts'
import { messageDataErased } from './events.ts'
import { judgeBuried } from './people.ts'

type Erasure = {
  userId: string
  /** Null when nobody can write to them or as them any more, which comes first. */
  judgedUpTo: string | null
  sweep: number
  conversationId: string
  seq: number
}
type Step = Change & { erasure: Erasure }

/** Works off the erasures that are due, a page of conversations or messages in each transaction; instances share them. */
export const startErasures = (ctx: Ctx): (() => Promise<void>) =>
  every(1_000, ctx.log, async (signal) => {
    if (await isAnyDue(ctx)) while (!signal.aborted && (await takeStep(ctx)));
  })

async function isAnyDue({ sql }: Ctx): Promise<boolean> {
  const rows = await sql`select from erasures where finished_at is null and due_at <= now() limit 1`
  return rows.length > 0
}

/** Does one step of one erasure; answers false when none is due. One that fails waits, so that it holds back no other. */
async function takeStep({ sql, outbox, config }: Ctx): Promise<boolean> {
  let taken: Erasure | undefined
  try {
    return await outbox.transaction(async (tx, emit) => {
      taken = await lockNextErasure(tx)
      if (!taken) return false
      if (taken.judgedUpTo !== null) await judgeNext(tx, taken.userId, taken.judgedUpTo)
      else await sweepNext({ tx, emit, erasure: taken }, config.ERASURE_SETTLE_SECONDS)
      return true
    })
  } catch (error) {
    if (taken) await postpone(sql, taken.userId)
    throw error
  }
}

/** Those that are still written to come first, however much there is to sweep. */
async function lockNextErasure(tx: Transaction): Promise<Erasure | undefined> {
  const [erasure] = await tx<Erasure[]>`
    select user_id, judged_up_to, sweep, conversation_id, seq
    from erasures
    where finished_at is null and due_at <= now()
    order by judged_up_to is null, due_at
    limit 1
    for update skip locked`
  return erasure
}

async function postpone(sql: Sql, userId: string): Promise<void> {
  await sql`
    update erasures
    set due_at = greatest(due_at, now() + interval '1 minute')
    where user_id = ${userId}`
}

async function judgeNext(tx: Transaction, userId: string, judgedUpTo: string): Promise<void> {
  const next = await judgeBuried(tx, userId, judgedUpTo)
  await tx`update erasures set judged_up_to = ${next ?? null} where user_id = ${userId}`
}

async function sweepNext(step: Step, settleSeconds: number): Promise<void> {
  const conversation = await lockNextConversation(step)
  if (conversation) await eraseIn(step, conversation)
  else await endSweep(step, settleSeconds)
}

async function lockNextConversation({ tx, erasure }: Step): Promise<Erasing | undefined> {
  const [conversation] = await tx<Erasing[]>`
    select id, case when low_user_id = ${erasure.userId} then high_user_id else low_user_id end as peer_id, revision
    from conversations
    where id = (
      select id
      from memberships
      where user_id = ${erasure.userId} and id >= ${erasure.conversationId}
      order by id
      limit 1
    )
    for update`
  return conversation
}

/**
 * Empties the next messages of one conversation; when none is left, takes back reactions, and goes on to the next one.
 * Not both in one step, for all lock messages in the order of their `seq`.
 */
async function eraseIn(step: Step, conversation: Erasing): Promise<void> {
  const { tx, erasure } = step
  const from = conversation.id === erasure.conversationId ? erasure.seq : 0
  const last = (await emptyMessages(step, erasure.userId, conversation, from)).at(-1)
  if (last) return await moveTo(tx, erasure, conversation.id, last.seq)
  const unreacted = await takeBackReactions(step, erasure.userId, conversation)
  if (unreacted === pageOfMessages) return await moveTo(tx, erasure, conversation.id, from)
  await tx`
    update conversations
    set low_delivered_seq = case when low_user_id = ${erasure.userId} then 0 else low_delivered_seq end,
      low_read_seq = case when low_user_id = ${erasure.userId} then 0 else low_read_seq end,
      high_delivered_seq = case when high_user_id = ${erasure.userId} then 0 else high_delivered_seq end,
      high_read_seq = case when high_user_id = ${erasure.userId} then 0 else high_read_seq end
    where id = ${conversation.id}`
  const [next] = await tx<{ id: string }[]>`
    select id
    from memberships
    where user_id = ${erasure.userId} and id > ${conversation.id}
    order by id
    limit 1`
  await moveTo(tx, erasure, next?.id ?? lastId, 0)
}

/** Above every UUIDv7. */
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

async function moveTo(
  tx: Transaction,
  { userId }: Erasure,
  conversationId: string,
  seq: number,
): Promise<void> {
  // Due anew, so that those that are due as well have their step next, however much there is to sweep here.
  await tx`
    update erasures
    set conversation_id = ${conversationId}, seq = ${seq}, due_at = now()
    where user_id = ${userId}`
}

const pageOfRelations = 1_000

/** Ends a sweep: the first is followed by a second, the second by the receipt. Where many relations are left, it takes several steps. */
async function endSweep({ tx, emit, erasure }: Step, settleSeconds: number): Promise<void> {
  const { userId, sweep } = erasure
  const relations = await tx`
    delete from relations
    where (owner_id, other_id) in (
      select owner_id, other_id
      from relations
      where owner_id = ${userId} or other_id = ${userId}
      limit ${pageOfRelations}
    )`
  if (relations.count === pageOfRelations) return
  await tx`delete from privacy where user_id = ${userId}`
  await tx`delete from idempotency_keys where user_id = ${userId}`
  await tx`
    update erasures
    set sweep = 2, conversation_id = default, seq = default,
      due_at = now() + make_interval(secs => ${sweep === 1 ? settleSeconds : 0}),
      finished_at = case when ${sweep} = 2 then now() end
    where user_id = ${userId}`
  if (sweep === 2) emit(messageDataErased.emit({ subject: userId, data: { userId } }))
}
