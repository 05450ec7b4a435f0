import { gaugeEvents } from '@plaza/kit/gauges'
import { startInbox } from '@plaza/kit/inbox'
import type { Nats } from '@plaza/kit/nats'
import { noteReceipts } from './consumers/note-receipts.ts'
import type { Ctx } from './context.ts'
import { nudgeErasures } from './erasures.ts'
import { startHeartbeat } from './heartbeat.ts'
import { keepHouse } from './housekeeping.ts'

type Options = Pick<Ctx, 'sql' | 'log' | 'config' | 'outbox' | 'identity'> & { nats: Nats }

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
  identity,
}: Options): Promise<() => Promise<void>> {
  const inbox = await startInbox({ sql, nats, log, subscriptions: noteReceipts(config) })
  const jobs = [
    startHeartbeat(sql, nats, log),
    nudgeErasures({ outbox, log, config }),
    keepHouse({ sql, log, config, outbox, identity }),
    gaugeEvents('auth', sql),
  ]
  return async () => {
    await Promise.all([inbox.stop(), ...jobs.map((stop) => stop())])
  }
}
