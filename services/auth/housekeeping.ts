import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Sql } from '@plaza/kit/sql'
import type { Config } from './config.ts'

const everyMs = 600_000

type Options = { sql: Sql; log: Log; config: Config; pauseMs?: number }

/** Removes sessions a day after their end, refresh tokens too old to be asked about, and links that ran out. */
export const keepHouse = ({ sql, log, config, pauseMs = everyMs }: Options): (() => Promise<void>) =>
  every(pauseMs, log, async () => {
    await sql`
      delete from sessions
      where ended_at < now() - interval '1 day'
        or expires_at < now() - interval '1 day'
        or refreshed_at < now() - interval '1 day' - make_interval(secs => ${config.SESSION_IDLE_SECONDS})`
    await sql`
      delete from spent_refresh_tokens
      where spent_at < now() - make_interval(secs => ${config.SESSION_IDLE_SECONDS})`
    await sql`delete from one_time_tokens where expires_at < now()`
  })
