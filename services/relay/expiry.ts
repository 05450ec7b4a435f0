import { every } from '@plaza/kit/every'
import type { Ctx } from './context.ts'
import { keysOf } from './keys.ts'
import { runScript } from './script.ts'
import { removeScript } from './scripts.ts'

const batchSize = 500
const deviceDays = 90

/** Removes what has expired, and the cursors of devices that were not heard of for long. Instances share the work. */
export const startExpiry = (ctx: Ctx): (() => Promise<void>) =>
  every(ctx.config.EXPIRE_EVERY_SECONDS * 1_000, ctx.log, async (signal) => {
    while (!signal.aborted && (await expireBatch(ctx)) === batchSize);
    await ctx.sql`
      delete from device_cursors
      where updated_at < now() - make_interval(days => ${deviceDays})`
  })

/** Takes expired items out of the mailboxes, then out of the database. Answers how many. */
export async function expireBatch({ sql, redis }: Pick<Ctx, 'sql' | 'redis'>): Promise<number> {
  return await sql.begin(async (tx) => {
    const rows = await tx<{ id: string; userId: string }[]>`
      select id, user_id
      from queue_items
      where expires_at <= now()
      order by expires_at
      limit ${batchSize}
      for update skip locked`
    await Promise.all(
      rows.map(({ id, userId }) => {
        const { frames, meta } = keysOf(userId)
        return runScript(redis, removeScript, [frames, meta], [id])
      }),
    )
    if (rows.length > 0)
      await tx`delete from queue_items where id = any(${rows.map((row) => row.id)}::uuid[])`
    return rows.length
  })
}
