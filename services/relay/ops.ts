import { type Environment, environmentOf, readConfig, StartupError } from '@plaza/kit/config'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { Redis } from '@plaza/kit/redis'
import type { Sql } from '@plaza/kit/sql'
import { createAppender } from './appender.ts'
import { Config } from './config.ts'
import { lockRow, readCounts } from './counts.ts'
import { begin, startGeneration } from './generation.ts'
import { connectMailboxes } from './mailbox-redis.ts'
import { refillMailboxes } from './refill.ts'
import { generationSubject } from './wake-up.ts'

type Options = { sql: Sql; redis: Redis; nats: Nats; log: Log; environment: Environment }

const connectMs = 5_000

/**
 * The operator's `rebuild mailboxes`: voids every mailbox and fills them again from what the broker and
 * relay's database keep, while everything runs. Devices find a gap and repair themselves. Answers how many
 * frames were gone through; 0 when a running relay was quicker to do it. Mailboxes hold what relay's own variables say.
 */
export async function rebuildMailboxes({ sql, redis, nats, log, environment }: Options): Promise<number> {
  const config = readConfig(Config, environmentOf('relay', environment))
  const mailboxes = connectMailboxes(redis)
  const ready = new Promise((resolve) => mailboxes.once('ready', resolve))
  if (!(await Promise.race([ready.then(() => true), Bun.sleep(connectMs)]))) {
    mailboxes.disconnect()
    throw new StartupError('Redis does not answer, so its mailboxes cannot be rebuilt')
  }
  const generation = await startGeneration({ sql, redis: mailboxes, nats, log })
  try {
    const next = await sql.begin(async (tx) => {
      const row = await lockRow(tx)
      const found = await readCounts(mailboxes)
      const begun = { generation: row.generation + 1, appends: found.appends, refillFromBroker: true }
      await begin(tx, mailboxes, begun)
      return begun.generation
    })
    nats.connection.publish(generationSubject, String(next))
    await generation.look()
    const appender = createAppender({ redis: mailboxes, generation, log, config })
    return await refillMailboxes({ nats, sql, log, appender })
  } finally {
    await generation.stop()
    mailboxes.disconnect()
  }
}
