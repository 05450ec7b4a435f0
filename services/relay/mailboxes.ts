import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { Redis } from '@plaza/kit/redis'
import type { Sql } from '@plaza/kit/sql'
import { type Appender, createAppender } from './appender.ts'
import type { Config } from './config.ts'
import { type Generation, startGeneration } from './generation.ts'
import { connectMailboxes } from './mailbox-redis.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { refillMailboxes } from './refill.ts'

type Options = { sql: Sql; redis: Redis; nats: Nats; log: Log; config: Config }

const refillMs = 2_000

/** The mailboxes of this process: what appends to them, and what makes them anew when Redis has lost them. */
export async function startMailboxes({ sql, redis: shared, nats, log, config }: Options): Promise<{
  generation: Generation
  appender: Appender
  connected(): boolean
  stop(): Promise<void>
}> {
  const redis = connectMailboxes(shared)
  const generation = await startGeneration({ sql, redis, nats, log })
  const appender = createAppender({ redis, generation, log, config })
  const stopping = new AbortController()
  const { signal } = stopping
  // Nodes of sockets have this pause to say who is connected, for those need no refill.
  const stopRefilling = every(refillMs, log, () =>
    refillMailboxes({ sql, nats, log, appender, signal }).catch((error) => {
      if (!(error instanceof MailboxesAway) && !signal.aborted) throw error
    }),
  )
  return {
    generation,
    appender,
    connected: () => redis.status === 'ready',
    async stop() {
      stopping.abort()
      await stopRefilling()
      await generation.stop()
      redis.disconnect()
    },
  }
}
