import type { Redis } from '@plaza/kit/redis'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { appendsKey, generationKey, notedKey } from './keys.ts'
import { runScript } from './script.ts'
import { noteScript } from './scripts.ts'

/** The generation of the mailboxes, and how many frames were ever appended to any. */
export type Known = { generation: number; appends: number }

/** What Redis says; of its appends the database has noted `noted` for certain. */
export type Counts = Known & { noted: number }

/** What the database says, locked until the transaction ends. */
export async function lockRow(tx: Transaction): Promise<Known> {
  const [row] = await tx<Known[]>`
    select generation, appends
    from mailboxes
    for update`
  return row ?? { generation: 0, appends: 0 }
}

/** What Redis says of itself; generation 0 is a Redis that nobody has looked at. */
export async function readCounts(redis: Redis): Promise<Counts> {
  const [generation, appends, noted] = await redis.mget(generationKey, appendsKey, notedKey)
  return { generation: Number(generation ?? 0), appends: Number(appends ?? 0), noted: Number(noted ?? 0) }
}

/**
 * Notes the count in the database, and then in Redis that it stands there: a crash in between only leaves Redis behind.
 * Answers false, and notes nothing, when the database is not the one any more that noted the count before.
 */
export async function note({ sql, redis }: { sql: Sql; redis: Redis }, known: Counts): Promise<boolean> {
  const { generation, appends, noted } = known
  const rows = await sql`
    update mailboxes
    set appends = greatest(appends, ${appends})
    where generation = ${generation} and appends >= ${noted}
    returning one`
  if (rows.length === 0) return false
  await runScript(redis, noteScript, [generationKey, notedKey], [generation, appends])
  known.noted = appends
  return true
}
