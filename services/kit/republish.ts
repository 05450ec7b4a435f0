import type { Nats } from './nats.ts'
import { isRefusal, type OutboxRow } from './publisher.ts'
import type { Sql } from './sql.ts'
import type { StreamSpec } from './stream.ts'

type Options = { sql: Sql; nats: Nats; signal: AbortSignal }
type Place = { createdAt: string; id: string }
type Kept = OutboxRow & Place

const pageRows = 500
const firstId = '00000000-0000-0000-0000-000000000000'

/**
 * Publishes the kept events of a stream again that were stored since a time. Each page is a statement of its own,
 * for the time that a statement may take would count for a cursor as a whole.
 */
export async function republish(
  { sql, nats, signal }: Options,
  spec: StreamSpec,
  since: Date,
): Promise<void> {
  // What is stored from now on leaves by itself, and faster than this it could go on for ever.
  const [now] = await sql<{ until: string }[]>`select now()::text as until`
  let after: Place = { createdAt: since.toISOString(), id: firstId }
  for (;;) {
    signal.throwIfAborted()
    const page = await readPage(sql, spec, after, now?.until ?? after.createdAt)
    const refused = await publishPage(nats, page)
    if (refused.length > 0) await leaveToSweeper(sql, refused)
    const last = page.at(-1)
    if (!last || page.length < pageRows) return
    after = last
  }
}

/** Answers the events that the broker refuses; throws when it is away. */
async function publishPage(nats: Nats, page: readonly Kept[]): Promise<Kept[]> {
  const results = await Promise.allSettled(page.map((row) => nats.publish(row)))
  for (const result of results)
    if (result.status === 'rejected' && !isRefusal(result.reason)) throw result.reason
  return page.filter((_row, index) => results[index]?.status === 'rejected')
}

const leaveToSweeper = (sql: Sql, rows: readonly Kept[]) => sql`
  insert into outbox_pending (id, created_at)
  select *
  from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map((row) => row.createdAt)}::text[]::timestamptz[])
  on conflict (id) do nothing`

/** A time goes as text, since a Date would lose its microseconds. */
const readPage = (sql: Sql, spec: StreamSpec, after: Place, until: string) => sql<Kept[]>`
  select id, subject, body, recipients, created_at::text as created_at
  from outbox
  where (created_at, id) > (${after.createdAt}::text::timestamptz, ${after.id}::uuid)
    and created_at <= ${until}::text::timestamptz
    and subject like any(${patternsOf(spec)}::text[])
  order by outbox.created_at, id
  limit ${pageRows}`

/** Whether events are kept that were stored since a time. */
export async function hasKept(sql: Sql, spec: StreamSpec, since: Date): Promise<boolean> {
  const rows = await sql`
    select from outbox
    where created_at >= ${since} and subject like any(${patternsOf(spec)}::text[])
    limit 1`
  return rows.length > 0
}

const patternsOf = (spec: StreamSpec) => spec.subjects.map((subject) => subject.replace(/>$/, '%'))
