import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Sql } from '@plaza/kit/sql'

/** Remembers when sessions were last used, without a write for each request. */
export type SessionUse = {
  note(sessionId: string): void
  stop(): Promise<void>
}

const flushMs = 30_000
const batchRows = 1_000

/** Uses are gathered and written every half minute, the latest of each session only. */
export function recordSessionUse(sql: Sql, log: Log, pauseMs = flushMs): SessionUse {
  let used = new Map<string, number>()
  const flush = async () => {
    const entries = [...used]
    used = new Map()
    for (let from = 0; from < entries.length; from += batchRows) {
      await writeUses(sql, entries.slice(from, from + batchRows))
    }
  }
  const stopFlushing = every(pauseMs, log, flush)
  return {
    note: (sessionId) => void used.set(sessionId, Date.now()),
    async stop() {
      await stopFlushing()
      await flush().catch((error) => log.warn({ err: error }, 'the last uses of sessions were not noted'))
    },
  }
}

async function writeUses(sql: Sql, entries: [string, number][]): Promise<void> {
  await sql`
    with uses as (
      select id, used_at
      from unnest(
        ${entries.map(([id]) => id)}::uuid[],
        ${entries.map(([, at]) => new Date(at).toISOString())}::timestamptz[]
      ) as given (id, used_at)
    ), stale as materialized (
      select sessions.id, used_at
      from sessions
      join uses on uses.id = sessions.id
      where last_used_at < used_at - interval '1 minute'
      order by sessions.id
      for update of sessions
    )
    update sessions
    set last_used_at = used_at
    from stale
    where sessions.id = stale.id`
}
