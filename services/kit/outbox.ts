import { createBatcher } from './batch.ts'
import { deliveredSubjectOf, type Emission, subjectOf } from './events.ts'
import { every } from './every.ts'
import type { Operation } from './host.ts'
import type { Log } from './log.ts'
import { refusedEvents } from './metrics.ts'
import type { Nats } from './nats.ts'
import { isRefusal, type OutboxRow } from './publisher.ts'
import type { Sql, Transaction } from './sql.ts'
import type { StreamSpec } from './stream.ts'
import { type Watch, watchStreams } from './stream-watch.ts'

export type Outbox = {
  /**
   * Runs a change and stores what it emits in one transaction; the events leave after its commit.
   * Whatever the work throws undoes both.
   */
  transaction<T>(work: (tx: Transaction, emit: (emission: Emission) => void) => Promise<T>): Promise<T>
  /** Sends events that a statement of the caller's own has stored and committed. */
  publish(rows: readonly OutboxRow[]): void
  stop(): Promise<void>
}

type Options = {
  sql: Sql
  nats: Nats
  log: Log
  streams: readonly StreamSpec[]
  sweepMs?: number
  /**
   * What in this process is told of committed events before the broker is, and answers of each whether its recipients'
   * mailboxes have it. It may lose them.
   */
  handOver?(): Operation | undefined
}

/** Nobody waits for the broker to have what was handed over, so it leaves in company, and at first only when delivered. */
const gatherMs = 10
const patienceMs = 200
const sweepAfterSeconds = 1
const sweepRows = 500
const refusedPauseSeconds = 10

/**
 * The transactional outbox of one service: an event is stored with the change it tells of, published
 * right after the commit, and swept up later when a crash or an absent broker came between.
 */
export async function startOutbox(options: Options): Promise<Outbox> {
  const { sql, nats, log, streams, sweepMs = 1_000, handOver } = options
  await ensurePartitions(sql)
  const acknowledged = createBatcher<string, true>({
    maxInFlight: 1,
    maxBatch: 1_000,
    // Nobody waits for this; a crash meanwhile only has the broker drop what it knows.
    gatherMs: 50,
    run: async (ids) => {
      await sql`delete from outbox_pending where id = any(${ids}::uuid[])`
      return ids.map(() => true)
    },
  })
  const sending = new Set<Promise<unknown>>()
  const send = async (row: OutboxRow) => {
    try {
      watch.acknowledged(await nats.publish(row))
      await acknowledged.add(row.id)
    } catch (error) {
      // The row stays pending: the sweeper sends it when the broker answers again.
      log.debug({ err: error, event: row.id }, 'event left to the sweeper')
    }
  }
  const sendAll = (rows: readonly OutboxRow[]) => {
    if (!watch.trusted()) return
    for (const row of rows) {
      const sent = send(row).finally(() => sending.delete(sent))
      sending.add(sent)
    }
  }
  const gathered = createGathered(sendAll)
  const publish = (rows: readonly OutboxRow[]) => {
    if (rows.length === 0 || !watch.trusted()) return
    const over = handOver?.()
    if (over) gathered.add(rows, over(rows))
    else sendAll(rows)
  }
  const watch = await watchStreams({ sql, nats, log, streams })
  const stopSweeping = every(sweepMs, log, async (signal) => {
    // Almost always there is nothing, and one statement is less than a transaction's three.
    if (!watch.trusted() || !(await isAnyLate(sql))) return
    while (!signal.aborted && watch.trusted() && (await sweep({ sql, nats, log, watch })));
  })
  let partitionedOn = today()
  const stopPartitioning = every(sweepMs, log, async () => {
    // Not by a timer of its own: a machine that slept for days has none that knows.
    if (partitionedOn === today()) return
    await ensurePartitions(sql)
    partitionedOn = today()
  })

  return {
    async transaction(work) {
      const rows: OutboxRow[] = []
      const result = await sql.begin(async (tx) => {
        const value = await work(tx, (emission) => rows.push(toRow(emission)))
        if (rows.length > 0) await storeRows(tx, rows)
        return { value }
      })
      publish(rows)
      return result.value
    },
    publish,
    async stop() {
      gathered.flush()
      await Promise.all([stopSweeping(), stopPartitioning(), watch.stop()])
      await Promise.race([Promise.all(sending), Bun.sleep(2_000)])
    },
  }
}

type HandedOver = { row: OutboxRow; since: number; isDelivered: boolean | undefined }

/** Holds what was handed over until it is known to be delivered or not, a while at most, and then sends it together. */
function createGathered(send: (rows: readonly OutboxRow[]) => void) {
  let gathered: HandedOver[] = []
  const sendThose = (isDue: (one: HandedOver) => boolean) => {
    const due = gathered.filter(isDue)
    gathered = gathered.filter((one) => !isDue(one))
    send(
      due.map(({ row, isDelivered }) => (isDelivered ? { ...row, subject: deliveredSubjectOf(row) } : row)),
    )
  }
  const work = () => {
    const longAgo = performance.now() - patienceMs
    sendThose(({ isDelivered, since }) => isDelivered !== undefined || since < longAgo)
    if (gathered.length > 0) setTimeout(work, gatherMs)
  }
  return {
    add(rows: readonly OutboxRow[], answer: ReturnType<Operation>) {
      if (gathered.length === 0) setTimeout(work, gatherMs)
      const added = rows.map((row): HandedOver => ({ row, since: performance.now(), isDelivered: undefined }))
      gathered.push(...added)
      const note = (delivered: readonly unknown[]) => {
        for (const [index, one] of added.entries()) one.isDelivered = delivered[index] === true
      }
      answer.then(note, () => note([]))
    },
    /** Sends all that is held, whatever is known of it. */
    flush: () => sendThose(() => true),
  }
}

/** The row of an emission, for statements that store their events themselves. */
export function toRow({ event, recipients }: Emission): OutboxRow {
  return {
    id: event.id,
    subject: subjectOf(event),
    body: JSON.stringify(event),
    recipients: recipients.join(','),
  }
}

/** Stores events in a transaction that is not the outbox's own, such as a consumer's; the sweeper publishes them. */
export async function storeRows(tx: Transaction, rows: readonly OutboxRow[]): Promise<void> {
  await tx`
    with stored as (
      insert into outbox (id, subject, body, recipients)
      select *
      from unnest(
        ${rows.map((row) => row.id)}::uuid[],
        ${rows.map((row) => row.subject)}::text[],
        ${rows.map((row) => row.body)}::text[],
        ${rows.map((row) => row.recipients)}::text[]
      )
      returning id
    )
    insert into outbox_pending (id)
    select id from stored`
}

type Sweeping = Pick<Options, 'sql' | 'nats' | 'log'> & { watch: Watch }

/** Publishes rows that were left behind; several instances share the work. Answers whether there may be more to send now. */
async function sweep({ sql, nats, log, watch }: Sweeping): Promise<boolean> {
  return await sql.begin(async (tx) => {
    const rows = await takeLate(tx)
    const sent: string[] = []
    const refused: string[] = []
    const send = async (row: OutboxRow) => {
      try {
        watch.acknowledged(await nats.publish(row))
        sent.push(row.id)
      } catch (error) {
        if (!isRefusal(error)) return
        refused.push(row.id)
        refusedEvents.inc()
        log.error({ err: error, event: row.id, subject: row.subject }, 'the broker refuses an event')
      }
    }
    await Promise.all(rows.map(send))
    if (rows.length > 0) await tx`delete from outbox_pending where id = any(${sent}::uuid[])`
    // Those that stay were moved to a late time in the log, and are found there by it.
    if (sent.length < rows.length)
      await tx`
        update outbox_pending
        set created_at = now(),
          refused_at = case when id = any(${refused}::uuid[]) then now() end
        where id = any(${rows.map((row) => row.id)}::uuid[])`
    return rows.length === sweepRows && sent.length + refused.length === rows.length
  })
}

/** What the sweeper takes: rows that nobody has published since, unless the broker has refused them just now. */
const isLate = (sql: Sql | Transaction) => sql`
  created_at < now() - make_interval(secs => ${sweepAfterSeconds})
    and (refused_at is null or refused_at < now() - make_interval(secs => ${refusedPauseSeconds}))`

async function isAnyLate(sql: Sql): Promise<boolean> {
  const rows = await sql`select from outbox_pending where ${isLate(sql)} limit 1`
  return rows.length > 0
}

/** A row that leaves late gets a late time, for what is published again is asked for by its time (republish.ts). */
const takeLate = (tx: Transaction) => tx<OutboxRow[]>`
  with late as materialized (
    select id, created_at
    from outbox_pending
    where ${isLate(tx)}
    order by id
    limit ${sweepRows}
    for update skip locked
  ),
  moved as (
    update outbox
    set created_at = now()
    from late
    where outbox.id = late.id and outbox.created_at = late.created_at
    returning outbox.id, subject, body, recipients
  )
  select id, subject, body, recipients
  from moved
  order by id`

const dayOf = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)
const today = () => dayOf(0)

/** So many days a service may go without looking at its partitions. */
const daysAhead = 7

/**
 * Rows live in a partition for each day; the day before yesterday's is dropped unless something in it still waits.
 * One instance at a time, for "if not exists" does not see what another is just creating.
 */
export async function ensurePartitions(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('outbox partitions'))`
    for (let offset = -1; offset <= daysAhead; offset += 1) {
      const name = `outbox_${dayOf(offset).replaceAll('-', '')}`
      await tx.unsafe(
        `create table if not exists ${name} partition of outbox for values from ('${dayOf(offset)}z') to ('${dayOf(offset + 1)}z')`,
      )
    }
    const old = await tx<{ name: string }[]>`
      select child.relname as name
      from pg_inherits
      join pg_class child on child.oid = inhrelid
      where inhparent = 'outbox'::regclass
        and child.relname < ${`outbox_${dayOf(-1).replaceAll('-', '')}`}
        and not exists (select from outbox_pending where created_at < ${`${dayOf(-1)}T00:00:00Z`})`
    for (const { name } of old) await tx.unsafe(`drop table if exists ${name}`)
  })
}
