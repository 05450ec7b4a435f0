import { gaugeEvents } from '@plaza/kit/gauges'
import { startInbox } from '@plaza/kit/inbox'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { Outbox } from '@plaza/kit/outbox'
import type { Sql } from '@plaza/kit/sql'
import type { Config } from './config.ts'
import { noteReceipts } from './consumers/note-receipts.ts'
import { nudgeErasures } from './erasures.ts'
import { startHeartbeat } from './heartbeat.ts'
import { keepHouse } from './housekeeping.ts'

type Options = { sql: Sql; nats: Nats; log: Log; config: Config; outbox: Outbox }

/**
 * What auth does without being asked: it takes receipts, beats, asks again for receipts, tidies up, and
 * shows what waits.
 */
export async function startBackground({
  sql,
  nats,
  log,
  config,
  outbox,
}: Options): Promise<() => Promise<void>> {
  const inbox = await startInbox({ sql, nats, log, subscriptions: noteReceipts(config) })
  const jobs = [
    startHeartbeat(sql, nats, log),
    nudgeErasures({ outbox, log, config }),
    keepHouse({ sql, log, config }),
    gaugeEvents('auth', sql),
  ]
  return async () => {
    await Promise.all([inbox.stop(), ...jobs.map((stop) => stop())])
  }
}
