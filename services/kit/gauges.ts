import type postgres from 'postgres'
import { Gauge } from 'prom-client'
import { registry } from './metrics.ts'
import type { Sql } from './sql.ts'

/** Shows a value of a service, read whenever somebody asks for the metrics, until the answer is called. */
export type ServiceGauge = (service: string, read: () => Promise<number>) => () => void

const answerMs = 2_000
const mostCounted = 10_001

/**
 * A gauge with one value for each service of the process, read from the service's database when somebody asks
 * for the metrics. A service whose database fails, or has not answered after 2 s, is left out: a gap tells
 * that nobody knows, and the last value would look as if it were true.
 */
export function serviceGauge(name: string, help: string): ServiceGauge {
  const readers = new Set<{ service: string; read: () => Promise<number> }>()
  new Gauge({
    name,
    help,
    labelNames: ['service'],
    registers: [registry],
    async collect() {
      const values = await Promise.all(
        [...readers].map(async ({ service, read }) => ({ service, value: await inTime(read()) })),
      )
      // In one go, for others may ask at the same time.
      this.reset()
      for (const { service, value } of values) if (value !== undefined) this.set({ service }, value)
    },
  })
  return (service, read) => {
    const reader = { service, read: oneAtATime(read) }
    readers.add(reader)
    return () => void readers.delete(reader)
  }
}

/** Those who ask while an answer is on its way get that one: a slow database is not asked ever more. */
function oneAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= read().finally(() => {
      running = undefined
    })
    return running
  }
}

const inTime = <T>(answer: Promise<T>): Promise<T | undefined> =>
  Promise.race([answer.catch(() => undefined), Bun.sleep(answerMs).then(() => undefined)])

/** Counts rows, but not beyond 10,001, which says that they are more than 10,000. */
export async function countRows(sql: Sql, rows: postgres.Fragment): Promise<number> {
  const [counted] = await sql<{ count: number }[]>`
    select count(*) from (${rows} limit ${mostCounted}) as counted`
  return counted?.count ?? 0
}

/** How many events wait in the outbox. Under load some always do, each for a moment. */
const pendingEvents = serviceGauge(
  'outbox_pending_events',
  'Events that are stored and that the broker has not acknowledged; 10001 means more than 10000',
)

/**
 * In seconds; should stay below a minute. Of more than 10,000 events that wait, those with the lowest ids are
 * looked at.
 */
const oldestPending = serviceGauge(
  'outbox_oldest_pending_seconds',
  'How long the oldest event has waited for the broker to acknowledge it; 0 when none waits',
)

/** How many events a consumer of the service gave up on, once for each consumer. Should be 0. */
const deadLetters = serviceGauge(
  'dead_letters',
  'Events that a consumer gave up on and that nobody has replayed or dropped; 10001 means more than 10000',
)

/**
 * Shows what waits in a service's outbox and what its inbox gave up on, until the answer is called, which is
 * to be before the database is closed.
 */
export function gaugeEvents(service: string, sql: Sql): () => void {
  const ends = [
    pendingEvents(service, () => countRows(sql, sql`select from outbox_pending`)),
    oldestPending(service, () => oldestPendingSeconds(sql)),
    deadLetters(service, () => countRows(sql, sql`select from inbox_failures where dead_at is not null`)),
  ]
  return () => {
    for (const end of ends) end()
  }
}

async function oldestPendingSeconds(sql: Sql): Promise<number> {
  const [oldest] = await sql<{ seconds: number }[]>`
    select greatest(0, extract(epoch from now() - min(waiting_since)))::float8 as seconds
    from (select waiting_since from outbox_pending order by id limit ${mostCounted}) as pending`
  return oldest?.seconds ?? 0
}
