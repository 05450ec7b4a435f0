import type { OutboxRow } from '@plaza/kit/publisher'
import type { Sql } from '@plaza/kit/sql'

/** How far somebody's devices are, for one conversation; jobs of one batch name each pair once. */
export type ReceiptJob = {
  conversationId: string
  userId: string
  deliveredSeq: number
  readSeq: number
  eventId: string
  peerEventId: string
  /** The event's JSON between its id and its version. */
  head: string
}

/** Where the pointers stand afterwards; undefined when the user is not in the conversation, or somebody else holds it. */
export type Moved = { deliveredSeq: number; readSeq: number; revision: number } | 'busy' | undefined

type Row = {
  n: number
  absent: boolean
  busy: boolean
  deliveredSeq: number
  readSeq: number
  revision: number
  eventId: string | null
  body: string
  recipients: string
}

/**
 * Moves pointers, only forward and never past the last message, with the events that tell of it, in one
 * statement. What the owner keeps private is 0 in what the other one gets; a move of which the other
 * one may see nothing goes to the owner's devices alone and leaves the revision as it is, for that
 * would tell of it too. Conversations that somebody else holds are left out as busy, unless it is to wait.
 */
export async function storeReceipts(
  sql: Sql,
  jobs: readonly ReceiptJob[],
  { wait }: { wait: boolean },
): Promise<{ moved: Moved[]; events: OutboxRow[] }> {
  const column = <K extends keyof ReceiptJob>(name: K) => jobs.map((job) => job[name])
  const rows = await sql<Row[]>`
    with job as (
      select *
      from unnest(
        ${column('conversationId')}::uuid[],
        ${column('userId')}::uuid[],
        ${column('deliveredSeq')}::int[],
        ${column('readSeq')}::int[],
        ${column('eventId')}::uuid[],
        ${column('peerEventId')}::uuid[],
        ${column('head')}::text[]
      ) with ordinality as job (
        conversation_id, user_id, wanted_delivered, wanted_read, event_id, peer_event_id, head, n
      )
    ),
    locked as materialized (
      select *
      from conversations
      where id = any(${[...new Set(column('conversationId'))]}::uuid[])
      order by id
      for update ${wait ? sql`` : sql`skip locked`}
    ),
    judged as (
      select job.*, seq, revision,
        job.user_id = low_user_id as is_low,
        case when job.user_id = low_user_id then high_user_id else low_user_id end as peer_id,
        case when job.user_id = low_user_id then low_delivered_seq else high_delivered_seq end as old_delivered,
        case when job.user_id = low_user_id then low_read_seq else high_read_seq end as old_read,
        coalesce(send_delivery_receipts, true) as shows_delivered,
        coalesce(send_read_receipts, true) as shows_read
      from job
      join locked on locked.id = job.conversation_id and job.user_id in (low_user_id, high_user_id)
      left join privacy on privacy.user_id = job.user_id
    ),
    moved as (
      select *,
        greatest(old_delivered, least(greatest(wanted_delivered, wanted_read), seq)) as delivered,
        greatest(old_read, least(wanted_read, seq)) as read
      from judged
    ),
    counted as materialized (
      select *,
        (revision + count(*) filter (where seen) over (partition by conversation_id order by n))::int as new_revision
      from moved
      cross join lateral (
        select shows_delivered and delivered > old_delivered or shows_read and read > old_read as seen
      ) as judgement
    ),
    changed as (
      select *
      from counted
      where delivered > old_delivered or read > old_read
    ),
    advanced as (
      update conversations
      set revision = last.revision,
        low_delivered_seq = greatest(low_delivered_seq, last.low_delivered),
        low_read_seq = greatest(low_read_seq, last.low_read),
        high_delivered_seq = greatest(high_delivered_seq, last.high_delivered),
        high_read_seq = greatest(high_read_seq, last.high_read)
      from (
        select conversation_id, max(new_revision) as revision,
          max(delivered) filter (where is_low) as low_delivered, max(read) filter (where is_low) as low_read,
          max(delivered) filter (where not is_low) as high_delivered, max(read) filter (where not is_low) as high_read
        from changed
        group by conversation_id
      ) as last
      where conversations.id = last.conversation_id
    ),
    told as (
      select n, event_id as id, conversation_id, user_id, new_revision, head, delivered, read,
        user_id || case when seen and shows_delivered and shows_read then ',' || peer_id else '' end as recipients
      from changed
      union all
      select n, peer_event_id, conversation_id, user_id, new_revision, head,
        case when shows_delivered then delivered else 0 end,
        case when shows_read then read else 0 end,
        peer_id::text
      from changed
      where seen and not (shows_delivered and shows_read)
    ),
    event as materialized (
      select n, id, 'evt.receipt.advanced.' || conversation_id as subject, recipients,
        '{"specversion":"1.0","id":"' || id || '",' || head || ',"version":' || new_revision
          || ',"data":{"conversationId":"' || conversation_id || '","userId":"' || user_id
          || '","deliveredSeq":' || delivered || ',"readSeq":' || read || ',"revision":' || new_revision || '}}' as body
      from told
    ),
    noted as (
      insert into outbox (id, subject, body, recipients)
      select id, subject, body, recipients
      from event
    ),
    pending as (
      insert into outbox_pending (id)
      select id
      from event
    )
    select job.n::int, counted.n is null as absent,
      counted.n is null
        and not exists (select from locked where id = job.conversation_id)
        and exists (select from conversations where id = job.conversation_id) as busy,
      delivered as delivered_seq, read as read_seq,
      new_revision as revision, event.id as event_id, body, recipients
    from job
    left join counted on counted.n = job.n
    left join event on event.n = job.n`
  const moved = jobs.map((): Moved => undefined)
  for (const { n, absent, busy, deliveredSeq, readSeq, revision } of rows)
    if (busy) moved[n - 1] = 'busy'
    else if (!absent) moved[n - 1] = { deliveredSeq, readSeq, revision }
  return { moved, events: rows.flatMap((row) => toEvent(row, jobs[row.n - 1])) }
}

const toEvent = ({ eventId, body, recipients }: Row, job: ReceiptJob | undefined): OutboxRow[] =>
  eventId && job
    ? [{ id: eventId, subject: `evt.receipt.advanced.${job.conversationId}`, body, recipients }]
    : []
