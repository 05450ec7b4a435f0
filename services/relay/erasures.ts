import { every } from '@plaza/kit/every'
import type { Ctx } from './context.ts'
import { relayDataErased } from './events.ts'
import { eraseMailbox } from './generation.ts'

const pauseMs = 500
const batchSize = 100

/** Erases the mailboxes that tombstones have left, after a crash or an outage of Redis as well. */
export const startErasing = (ctx: Ctx): (() => Promise<void>) =>
  every(pauseMs, ctx.log, async (signal) => {
    if (ctx.redis.status !== 'ready' || !(await isAnyLeft(ctx))) return
    while (!signal.aborted && (await eraseBatch(ctx)) === batchSize);
  })

async function isAnyLeft({ sql }: Ctx): Promise<boolean> {
  const rows = await sql`select from tombstones where erased_at is null limit 1`
  return rows.length > 0
}

/** Erases mailboxes and sends the receipts, which leave only when the mailboxes are gone. Answers how many. */
export async function eraseBatch({ outbox, redis }: Pick<Ctx, 'outbox' | 'redis'>): Promise<number> {
  return await outbox.transaction(async (tx, emit) => {
    const rows = await tx<{ userId: string }[]>`
      select user_id
      from tombstones
      where erased_at is null
      order by user_id
      limit ${batchSize}
      for update skip locked`
    await Promise.all(rows.map(({ userId }) => eraseMailbox(redis, userId)))
    for (const { userId } of rows) emit(relayDataErased.emit({ subject: userId, data: { userId } }))
    await tx`
      update tombstones
      set erased_at = now()
      where user_id = any(${rows.map((row) => row.userId)}::uuid[])`
    return rows.length
  })
}
