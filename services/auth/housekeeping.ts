import { every } from '@plaza/kit/every'
import { change } from './change.ts'
import type { Ctx } from './context.ts'
import type { EndReason } from './sessions.ts'

const everyMs = 600_000
/** So many sessions end in one transaction. */
const pageRows = 200
const expired: EndReason = 'expired'

type Options = Pick<Ctx, 'sql' | 'log' | 'config' | 'outbox' | 'identity'> & { pauseMs?: number }

/**
 * Ends sessions that ran out, and removes them a day after their end, refresh tokens too old to be asked about, and
 * links that ran out.
 */
export const keepHouse = ({ pauseMs = everyMs, ...ctx }: Options): (() => Promise<void>) =>
  every(pauseMs, ctx.log, async (signal) => {
    const { sql, config } = ctx
    while (!signal.aborted && (await endExpired(ctx)) === pageRows);
    await sql`delete from sessions where ended_at < now() - interval '1 day'`
    await sql`
      delete from spent_refresh_tokens
      where spent_at < now() - make_interval(secs => ${config.SESSION_IDLE_SECONDS})`
    await sql`delete from one_time_tokens where expires_at < now()`
  })

/**
 * Ends some of the sessions whose refresh token is good for nothing any more, as any other session is ended: their
 * sockets close. Answers how many there were.
 */
const endExpired = ({ config, ...ctx }: Options): Promise<number> =>
  change(ctx, async ({ tx, revoke }) => {
    const ended = await tx<{ id: string }[]>`
      with expired as materialized (
        select id
        from sessions
        where ended_at is null
          and (
            expires_at <= now()
            or refreshed_at <= now() - make_interval(secs => ${config.SESSION_IDLE_SECONDS})
          )
        limit ${pageRows}
        for update skip locked
      )
      update sessions
      set ended_at = now(), end_reason = ${expired}
      from expired
      where sessions.id = expired.id
      returning sessions.id`
    for (const { id } of ended) revoke({ scope: 'session', id, notBefore: Date.now() / 1_000 })
    return ended.length
  })
