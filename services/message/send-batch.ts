import type { OutboxRow } from '@plaza/kit/publisher'
import type { Sql } from '@plaza/kit/sql'

/** A message on its way into the store. Its id is made before, so that a repeat is known for what it is; its event has the same. */
export type SendJob = {
  id: string
  conversationId: string
  senderId: string
  key: string
  requestHash: string
  text: string | null
  /** JSON. */
  envelope: string | null
  replyToId: string | null
  createdAt: string
  /** The event's JSON before and after its numbers, which only the statement knows: see eventText. */
  head: string
  tail: string
}

export type Sent =
  | { outcome: 'new'; seq: number; revision: number }
  | { outcome: 'stored'; id: string; requestHash: string | null }
  | { outcome: 'absent' | 'refused' | 'reply_absent' }
  | { outcome: 'busy' }

type Row = {
  outcome: Exclude<Sent['outcome'], 'busy'> | 'not_found'
  storedId: string | null
  storedHash: string | null
  seq: number | null
  revision: number | null
  recipients: string | null
}

/** The event's text; the statement below puts the same together. */
const eventText = ({ head, tail }: SendJob, seq: number, revision: number): string =>
  `${head}${revision},"data":{"seq":${seq},"revision":${revision},${tail}`

/**
 * Stores a batch of messages with their events in one statement. It locks the conversations in the order
 * of their ids, so that two batches never wait for each other, and leaves out keys that are stored
 * already before it counts, so that `seq` has no holes. What one of the jobs may not do is answered in
 * its place and disturbs no other. Conversations that somebody else holds are left out as `busy`, unless it
 * is to wait for them.
 */
export async function storeBatch(
  sql: Sql,
  jobs: SendJob[],
  { wait }: { wait: boolean },
): Promise<{ sent: Sent[]; events: OutboxRow[] }> {
  const column = <K extends keyof SendJob>(name: K) => jobs.map((job) => job[name])
  const conversationIds = [...new Set(column('conversationId'))]
  // Left out where nobody replies: what a statement might do costs it, too.
  const isReplyAbsent = jobs.some(({ replyToId }) => replyToId !== null)
    ? sql`
          when reply_to_id is not null and not exists (
            select
            from messages
            where messages.conversation_id = job.conversation_id and messages.id = job.reply_to_id
          ) then 'reply_absent'`
    : sql``
  const rows = await sql<Row[]>`
    with job as (
      select *
      from unnest(
        ${plainArray(column('id'))}::uuid[],
        ${plainArray(column('conversationId'))}::uuid[],
        ${plainArray(column('senderId'))}::uuid[],
        ${column('key')}::text[],
        ${plainArray(column('requestHash'))}::text[],
        ${column('text')}::text[],
        ${column('envelope')}::text[],
        ${column('replyToId')}::uuid[],
        ${plainArray(column('createdAt'))}::timestamptz[],
        string_to_array(${column('head').join(separator)}, ${separator}),
        string_to_array(${column('tail').join(separator)}, ${separator})
      ) with ordinality as job (
        id, conversation_id, sender_id, key, request_hash, text, envelope, reply_to_id, created_at,
        head, tail, n
      )
    ),
    locked as materialized (
      select id, low_user_id, high_user_id, low_accepts, high_accepts, seq, revision
      from conversations
      where id = any(${plainArray(conversationIds)}::uuid[])
      order by id
      for update ${wait ? sql`` : sql`skip locked`}
    ),
    judged as (
      select job.*, locked.seq, locked.revision,
        sender_id = low_user_id as is_low,
        low_user_id || ',' || high_user_id as recipients,
        stored.id as stored_id, stored.request_hash as stored_hash,
        case
          when locked.id is null then 'not_found'
          when sender_id not in (low_user_id, high_user_id) then 'absent'
          when stored.id is not null then 'stored'
          when not (case when sender_id = low_user_id then high_accepts else low_accepts end) then 'refused'
          ${isReplyAbsent}
          else 'new'
        end as outcome
      from job
      left join locked on locked.id = job.conversation_id
      left join lateral (
        select id, request_hash
        from messages
        where messages.conversation_id = job.conversation_id
          and messages.sender_id = job.sender_id
          and messages.key = job.key
        limit 1
      ) as stored on true
    ),
    counted as materialized (
      select *,
        (seq + row_number() over same)::int as new_seq,
        (revision + row_number() over same)::int as new_revision
      from judged
      window same as (partition by conversation_id, outcome order by n)
    ),
    fresh as (
      select *
      from counted
      where outcome = 'new'
    ),
    written as (
      insert into messages (
        conversation_id, id, seq, revision, sender_id, key, request_hash, text, envelope, reply_to_id, created_at
      )
      select conversation_id, id, new_seq, new_revision, sender_id, key, request_hash, text, envelope, reply_to_id, created_at
      from fresh
    ),
    advanced as (
      update conversations
      set seq = last.seq,
        revision = last.revision,
        low_sent_seq = greatest(low_sent_seq, last.low_seq),
        high_sent_seq = greatest(high_sent_seq, last.high_seq),
        active_at = greatest(active_at, last.created_at)
      from (
        select conversation_id, max(new_seq) as seq, max(new_revision) as revision, max(created_at) as created_at,
          max(new_seq) filter (where is_low) as low_seq,
          max(new_seq) filter (where not is_low) as high_seq
        from fresh
        group by conversation_id
      ) as last
      where conversations.id = last.conversation_id
    ),
    noted as (
      insert into outbox (id, subject, body, recipients)
      select id, 'evt.message.created.' || conversation_id,
        head || new_revision || ',"data":{"seq":' || new_seq || ',"revision":' || new_revision || ',' || tail,
        recipients
      from fresh
    ),
    pending as (
      insert into outbox_pending (id)
      select id
      from fresh
    )
    select outcome, stored_id, stored_hash, new_seq as seq, new_revision as revision,
      case when outcome = 'new' then recipients end as recipients
    from counted
    order by n`
  const events = jobs.flatMap((job, index) => toEvent(job, rows[index]))
  const held = wait ? new Set() : await findHeld(sql, jobs, rows)
  return { sent: rows.map((row, index) => toSent(row, held.has(jobs[index]?.conversationId))), events }
}

/** An array in Postgres's notation, of values that need no quoting, such as ids and times. */
const plainArray = (values: readonly string[]): string => `{${values.join()}}`

/** Parts JSON texts, none of which can hold it: as an array each of their many quotes would be escaped, and read again. */
const separator = '\x1f'

/** Of the conversations that were passed over those that exist: somebody holds them. */
async function findHeld(sql: Sql, jobs: readonly SendJob[], rows: readonly Row[]): Promise<Set<unknown>> {
  const missing = jobs.filter((_job, index) => rows[index]?.outcome === 'not_found')
  if (missing.length === 0) return new Set()
  const found = await sql<{ id: string }[]>`
    select id
    from conversations
    where id = any(${missing.map(({ conversationId }) => conversationId)}::uuid[])`
  return new Set(found.map(({ id }) => id))
}

function toEvent(job: SendJob, row: Row | undefined): OutboxRow[] {
  if (row?.outcome !== 'new' || row.seq === null || row.revision === null || row.recipients === null)
    return []
  return [
    {
      id: job.id,
      subject: `evt.message.created.${job.conversationId}`,
      body: eventText(job, row.seq, row.revision),
      recipients: row.recipients,
    },
  ]
}

function toSent({ outcome, storedId, storedHash, seq, revision }: Row, isHeld: boolean): Sent {
  if (outcome === 'new') return { outcome, seq: seq ?? 0, revision: revision ?? 0 }
  if (outcome === 'stored') return { outcome, id: storedId ?? '', requestHash: storedHash }
  if (outcome === 'not_found') return { outcome: isHeld ? 'busy' : 'absent' }
  return { outcome }
}
