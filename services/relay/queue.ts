import { newId } from '@plaza/kit/id'
import { hashRequest, keyReused } from '@plaza/kit/idempotency'
import { Problem } from '@plaza/kit/problem'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import { queueEnqueued } from './events.ts'
import { QueueItem, type QueueRequest } from './schema.ts'

type Enqueueing = QueueRequest & {
  actor?: string
  /** Names the request among those of the actor. */
  key?: string | undefined
  queueId?: string
}

/**
 * Keeps something for a user until it expires: the row and its event in one commit. A repeat with the same
 * `queueId` changes nothing, and one with the same `key` gets the item that is kept. Throws not_found for an erased
 * user, invalid for an end outside of the bounds, and key_reused for a key that came with another request.
 */
export async function enqueue(ctx: Ctx, request: Enqueueing): Promise<QueueItem> {
  const { userId, type, data, actor, key, queueId = newId() } = request
  const expiresAt = readEnd(ctx, request.expiresAt)
  const item = { queueId, userId, type, data, expiresAt: expiresAt.toISOString() }
  const requestKey = key === undefined ? null : hashRequest(actor ?? '', key)
  const requestHash = hashRequest(JSON.stringify([userId, type, data, request.expiresAt]))
  return await ctx.outbox.transaction(async (tx, emit) => {
    // An erasure takes the same lock alone: it comes before the row and refuses it, or after and removes it.
    await tx`select pg_advisory_xact_lock_shared(hashtextextended(${userId}, 0))`
    const [gone] = await tx`select user_id from tombstones where user_id = ${userId}`
    if (gone) throw new Problem('not_found', 'There is no such user')
    const emission = queueEnqueued.emit({
      id: queueId,
      subject: userId,
      data: { queueId, type, data, expiresAt: item.expiresAt },
      recipients: [userId],
      ...(actor ? { actor } : {}),
    })
    const [fresh] = await tx`
      insert into queue_items (id, user_id, body, expires_at, request_key, request_hash)
      values (${queueId}, ${userId}, ${JSON.stringify(emission.event)}, ${expiresAt}, ${requestKey}, ${requestHash})
      on conflict do nothing
      returning id`
    if (fresh) emit(emission)
    return fresh || requestKey === null ? item : await findFirst(tx, requestKey, requestHash)
  })
}

/** The item that is kept under a key. */
async function findFirst(tx: Transaction, requestKey: string, requestHash: string): Promise<QueueItem> {
  const [first] = await tx<{ userId: string; body: string; requestHash: string }[]>`
    select user_id, body, request_hash
    from queue_items
    where request_key = ${requestKey}`
  if (!first) throw new Problem('unavailable', 'The item expires at this moment', { retryAfterSeconds: 1 })
  if (first.requestHash !== requestHash) throw keyReused()
  return QueueItem.parse({ userId: first.userId, ...JSON.parse(first.body).data })
}

function readEnd({ config }: Ctx, wanted: string | undefined): Date {
  const now = Date.now()
  if (wanted === undefined) return new Date(now + config.QUEUE_DEFAULT_SECONDS * 1_000)
  const end = new Date(wanted)
  if (end.getTime() <= now) throw new Problem('invalid', 'expiresAt has passed already')
  if (end.getTime() > now + config.QUEUE_MAX_SECONDS * 1_000)
    throw new Problem('invalid', `expiresAt may be ${config.QUEUE_MAX_SECONDS} seconds ahead at most`)
  return end
}
