import type { MiddlewareHandler } from 'hono'
import { every } from './every.ts'
import type { Log } from './log.ts'
import { Problem } from './problem.ts'
import { type AppEnv, IdempotencyHeaders, userOf } from './route.ts'
import type { Sql } from './sql.ts'

type Kept = { requestHash: string; status: number | null; body: string | null }

const abandonedAfterSeconds = 60
const replayedHeader = 'Idempotency-Replayed'

type Options = {
  /**
   * For what finds or makes: a repeat is done again and gets the first status with the present state. Nothing of the
   * answer is stored, which may show what others have taken back since.
   */
  doneAgain?: boolean
}

/**
 * Answers a repeated create as it was answered first, for 24 hours. 409 while the first is still being
 * worked on; 422 when the key comes with another body; 5xx and 429 are not remembered.
 */
export const idempotent =
  (sql: Sql, operation: string, { doneAgain = false }: Options = {}): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const parsed = IdempotencyHeaders.safeParse({ 'idempotency-key': c.req.header('idempotency-key') })
    if (!parsed.success)
      throw new Problem('invalid', 'Idempotency-Key must be 1 to 128 visible ASCII characters')
    const key = parsed.data['idempotency-key']
    if (key === undefined) return await next()
    const { userId } = userOf(c)
    const requestHash = hashRequest(c.req.path, await c.req.text())
    const kept = await claim(sql, { userId, operation, key, requestHash })
    if (kept) {
      const first = replay(kept, requestHash)
      if (!doneAgain || !first.ok) return first
      await next()
      if (c.res.ok)
        c.res = new Response(c.res.body, {
          status: first.status,
          headers: { ...Object.fromEntries(c.res.headers), [replayedHeader]: 'true' },
        })
      return
    }
    await next()
    const body = doneAgain && c.res.ok ? '' : await c.res.clone().text()
    const where = sql`user_id = ${userId} and operation = ${operation} and key = ${key}`
    if (c.res.status >= 500 || c.res.status === 429) await sql`delete from idempotency_keys where ${where}`
    else await sql`update idempotency_keys set status = ${c.res.status}, body = ${body} where ${where}`
  }

export const keyReused = () =>
  new Problem('invalid', 'This Idempotency-Key came with another request before', {
    reason: 'key_reused',
    status: 422,
  })

/** A hash by which two requests are the same. */
export const hashRequest = (...parts: string[]): string =>
  new Bun.CryptoHasher('sha256').update(parts.join('\n')).digest('base64url')

/** Drops answers older than a day. */
export const forgetOldKeys = (sql: Sql, log: Log) =>
  every(600_000, log, () => sql`delete from idempotency_keys where locked_at < now() - interval '24 hours'`)

type Claim = { userId: string; operation: string; key: string; requestHash: string }

/** Takes the key for this request, or answers with what an earlier one left. */
async function claim(sql: Sql, { userId, operation, key, requestHash }: Claim): Promise<Kept | undefined> {
  const [mine] = await sql`
    insert into idempotency_keys (user_id, operation, key, request_hash)
    values (${userId}, ${operation}, ${key}, ${requestHash})
    on conflict (user_id, operation, key) do update
    set locked_at = now()
    where idempotency_keys.status is null
      and idempotency_keys.request_hash = excluded.request_hash
      and idempotency_keys.locked_at < now() - make_interval(secs => ${abandonedAfterSeconds})
    returning key`
  if (mine) return undefined
  const [kept] = await sql<Kept[]>`
    select request_hash, status, body
    from idempotency_keys
    where user_id = ${userId} and operation = ${operation} and key = ${key}`
  return kept ?? { requestHash, status: null, body: null }
}

function replay(kept: Kept, requestHash: string): Response {
  if (kept.requestHash !== requestHash) throw keyReused()
  if (kept.status === null) {
    throw new Problem('conflict', 'The first request with this Idempotency-Key is still being worked on', {
      reason: 'in_flight',
      retryAfterSeconds: 1,
    })
  }
  const type = kept.status >= 400 ? 'application/problem+json' : 'application/json'
  const empty = kept.status === 204
  return new Response(empty ? null : kept.body, {
    status: kept.status,
    headers: { [replayedHeader]: 'true', ...(empty ? {} : { 'content-type': type }) },
  })
}
