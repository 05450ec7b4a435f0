import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { Redis } from '@plaza/kit/redis'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { type Counts, type Known, lockRow, note, readCounts } from './counts.ts'
import { generationKey, keysOf, notedKey } from './keys.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { runScript } from './script.ts'
import { eraseScript } from './scripts.ts'
import { generationSubject } from './wake-up.ts'

/**
 * Whether the mailboxes in Redis are those that were written. A Redis that was emptied or came back from an
 * older copy of its files looks healthy, so the count of all appends is noted in the database, and a Redis
 * that counts fewer begins a new generation: every mailbox of an older one is void, and devices find a gap.
 * Redis in turn keeps how many are noted, so a database that says less came back from an older copy, and
 * knows nothing of what has been appended since: that, too, begins a new generation.
 */
export type Generation = {
  /** The present generation. Throws MailboxesAway until Redis has been looked at since it (re)connected. */
  current(): number
  /** Takes in the count of appends after some; throws MailboxesAway when it is less than before. */
  noteAppends(appends: number): void
  /** Has Redis looked at again before anything more is appended. */
  suspect(): void
  /** Looks at Redis now. */
  look(): Promise<void>
  stop(): Promise<void>
}

type Options = { sql: Sql; redis: Redis; nats: Nats; log: Log; everyMs?: number }

export async function startGeneration(options: Options): Promise<Generation> {
  const { redis, log, everyMs = 1_000 } = options
  let known: Counts = { generation: 0, appends: 0, noted: 0 }
  let trusted = false
  let connection = 0
  let checking: Promise<void> | undefined

  const distrust = () => {
    connection += 1
    trusted = false
  }
  const look = async () => {
    const at = connection
    known = await check(options, known)
    trusted = at === connection
  }
  const lookOnce = () => {
    checking ??= look().finally(() => {
      checking = undefined
    })
    return checking
  }
  const tick = async () => {
    if (redis.status !== 'ready') return
    if (trusted) await compare()
    if (!trusted) await lookOnce()
    if (trusted && known.appends !== known.noted && !(await note(options, known))) distrust()
  }
  const compare = async () => {
    const { generation, appends } = await readCounts(redis)
    if (generation !== known.generation || appends < known.appends) distrust()
  }
  redis.on('close', distrust)
  redis.on('ready', () => void tick().catch((error) => log.warn({ err: error }, 'mailboxes not looked at')))
  await tick().catch((error) => log.warn({ err: error }, 'mailboxes not looked at'))
  const stopTicking = every(everyMs, log, tick)

  return {
    current() {
      if (!trusted) throw new MailboxesAway('Redis has not been looked at since it came up')
      return known.generation
    },
    noteAppends(appends) {
      if (appends < known.appends) {
        distrust()
        throw new MailboxesAway('Redis has forgotten appends')
      }
      known.appends = appends
    },
    suspect: distrust,
    look: lookOnce,
    async stop() {
      await stopTicking()
      if (trusted) await note(options, known).catch(() => {})
    },
  }
}

/** Compares Redis and the database, and begins a new generation when one of them has forgotten something. */
async function check({ sql, redis, nats, log }: Options, known: Known): Promise<Counts> {
  return await sql.begin(async (tx) => {
    const row = await lockRow(tx)
    const found = await readCounts(redis)
    const floor = known.generation === row.generation ? Math.max(known.appends, row.appends) : row.appends
    const isKnown = found.generation > 0 && found.generation === row.generation
    const isDatabaseOlder = found.generation > row.generation || (isKnown && found.noted > row.appends)
    if (isKnown && found.appends >= floor && !isDatabaseOlder) return found
    const generation = Math.max(found.generation, row.generation) + 1
    const isFirst = row.generation === 0 && found.appends === 0
    log[isFirst ? 'debug' : 'warn'](
      { generation, floor, found },
      `${isDatabaseOlder ? 'The database is older than Redis' : 'Redis has forgotten mailboxes'}: they begin anew`,
    )
    const { appends } = found
    await begin(tx, redis, { generation, appends, refillFromBroker: !isDatabaseOlder })
    nats.connection.publish(generationSubject, String(generation))
    return { generation, appends, noted: appends }
  })
}

type Beginning = Known & {
  /** Not when the database has forgotten something, for the broker may still tell of it. */
  refillFromBroker: boolean
}

/** Makes all mailboxes void, inside a transaction that holds the row. */
export async function begin(tx: Transaction, redis: Redis, beginning: Beginning): Promise<void> {
  const { generation, appends, refillFromBroker } = beginning
  await eraseBuried(tx, redis)
  await redis.mset(generationKey, generation, notedKey, appends)
  await tx`
    update mailboxes
    set generation = ${generation}, appends = ${appends}, refill_from_broker = ${refillFromBroker}`
}

const pageSize = 1_000
const firstId = '00000000-0000-0000-0000-000000000000'

/** Each page is a statement of its own, for the time that a statement may take would count for a cursor as a whole. */
async function eraseBuried(tx: Transaction, redis: Redis): Promise<void> {
  for (let after: string | undefined = firstId; after; ) {
    const page: { userId: string }[] = await tx<{ userId: string }[]>`
      select user_id
      from tombstones
      where user_id > ${after}
      order by user_id
      limit ${pageSize}`
    await Promise.all(page.map(({ userId }) => eraseMailbox(redis, userId)))
    after = page.at(-1)?.userId
  }
}

/** Removes a mailbox for ever. */
export async function eraseMailbox(redis: Redis, userId: string): Promise<void> {
  const { frames, meta, nodes, seen } = keysOf(userId)
  await runScript(redis, eraseScript, [frames, meta, nodes, seen], [])
}
