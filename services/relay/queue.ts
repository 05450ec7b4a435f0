import { newId } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import type { Ctx } from './context.ts'
import { queueEnqueued } from './events.ts'
import type { QueueItem, QueueRequest } from './schema.ts'

type Enqueueing = QueueRequest & { actor?: string; queueId?: string }

/**
 * Keeps something for a user until it expires: the row and its event in one commit. A repeat with the same
 * `queueId` changes nothing. Throws not_found for an erased user, invalid for an end outside of the bounds.
 */
export async function enqueue(ctx: Ctx, request: Enqueueing): Promise<QueueItem> {
  const { userId, type, data, actor, queueId = newId() } = request
  const expiresAt = readEnd(ctx, request.expiresAt)
  const item = { queueId, userId, type, data, expiresAt: expiresAt.toISOString() }
  await ctx.outbox.transaction(async (tx, emit) => {
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
      insert into queue_items (id, user_id, body, expires_at)
      values (${queueId}, ${userId}, ${JSON.stringify(emission.event)}, ${expiresAt})
      on conflict do nothing
      returning id`
    if (fresh) emit(emission)
  })
  return item
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
