import { Problem } from '@plaza/kit/problem'
import { isLockedOut, isStatementTimeout, type Sql, type Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import { heldUp } from './refusals.ts'
import type { Message } from './schema.ts'
import { separated } from './search-words.ts'

/** What is indexed at once: a fraction of a second's work, whatever the texts. */
const mostMessages = 5_000
const mostBytes = 256 << 10

/** How long one search may index before it leaves the rest to the next. */
const patienceMs = 8_000

/**
 * Brings the index up to date for a user's conversations, so that it holds all that was committed before:
 * whoever searches pays for what was written since somebody last searched there. When a chunk takes too
 * long, the rest goes one by one, and a message that takes too long is left out, so that the index always
 * gets on. Throws Problem unavailable when much is left.
 */
export async function indexConversations({ sql, log }: Ctx, userId: string): Promise<void> {
  const until = performance.now() + patienceMs
  let messages = mostMessages
  for (;;) {
    const behind = await withinTime(sql, (tx) => findBehind(tx, userId))
    if (behind.length === 0) return
    if (performance.now() > until) throw notYet()
    const left = await withinTime(sql, (tx) => indexChunk(tx, behind, messages))
    if (left === 'nothing') return
    if (left === 'one message') log.warn({ userId }, 'a message takes too long to index and is left out')
    if (left !== 'something') messages = 1
  }
}

/** A transaction whose statements give up before they hold others up. */
export async function withinTime<T>(sql: Sql, work: (tx: Transaction) => Promise<T>) {
  try {
    return await sql.begin(async (tx) => {
      await tx`select set_config('statement_timeout', '3s', true), set_config('lock_timeout', '2s', true)`
      return await work(tx)
    })
  } catch (error) {
    throw isLockedOut(error) ? heldUp(error) : error
  }
}

/**
 * Takes messages of a conversation out of the index in the change that makes their words untrue, after the statement
 * that makes them so; the next search looks at them anew.
 */
export async function forgetWords(
  tx: Transaction,
  conversationId: string,
  messages: readonly Pick<Message, 'seq'>[],
): Promise<void> {
  await tx`
    delete from search_documents
    where conversation_id = ${conversationId} and seq = any(${messages.map(({ seq }) => seq)}::int[])`
}

async function findBehind(tx: Transaction, userId: string): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`
    select memberships.id
    from memberships
    left join search_progress done on done.conversation_id = memberships.id
    where user_id = ${userId} and memberships.revision > coalesce(done.revision, 0)
    order by memberships.id`
  return rows.map(({ id }) => id)
}

/** Indexes the next messages of these conversations, this many at most, and answers what is left of them. */
async function indexChunk(
  tx: Transaction,
  ids: readonly string[],
  messages: number,
): Promise<'nothing' | 'something' | 'everything' | 'one message'> {
  await lockProgress(tx, ids)
  const spans = await chooseSpans(tx, ids, messages)
  const written = await tx
    .savepoint((inner) => writeWords(inner, spans))
    .then(
      () => true,
      (error: unknown) => {
        if (isStatementTimeout(error)) return false
        throw error
      },
    )
  if (!written && messages > 1) return 'everything'
  await noteProgress(tx, spans)
  if (!written) return 'one message'
  return spans.length === ids.length && spans.every(({ whole }) => whole) ? 'nothing' : 'something'
}

/** The rows of search_progress are the locks, taken in the order of their ids. */
async function lockProgress(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx`
    insert into search_progress (conversation_id, revision)
    select id, 0
    from unnest(${[...ids]}::uuid[]) as id
    order by id
    on conflict do nothing`
  await tx`
    select
    from search_progress
    where conversation_id = any(${[...ids]}::uuid[])
    order by conversation_id
    for update`
}

/** The revisions of a conversation that are next, and whether they are all that is new. */
type Span = { id: string; done: number; upTo: number; whole: boolean }

/**
 * Chooses what is next. A conversation's revision and its messages are read in one statement, so nothing that
 * the revision counts is missed.
 */
async function chooseSpans(tx: Transaction, ids: readonly string[], messages: number): Promise<Span[]> {
  return await tx<Span[]>`
    with behind as (
      select id, conversations.revision, done.revision as done
      from search_progress done
      join conversations on conversations.id = done.conversation_id
      where done.conversation_id = any(${[...ids]}::uuid[])
    ),
    counted as (
      select behind.id, message.revision, row_number() over before as n, sum(bytes) over before as bytes
      from behind
      cross join lateral (
        select messages.revision, coalesce(octet_length(text), 0) as bytes
        from messages
        where messages.conversation_id = behind.id and messages.revision > done
        order by messages.revision
        limit ${messages + 1}
      ) as message
      window before as (order by behind.id, message.revision)
    ),
    judged as (
      select id, revision, n = 1 or (n <= ${messages} and bytes <= ${mostBytes}) as fits
      from counted
    ),
    chosen as (
      select behind.id, done, coalesce(bool_and(fits), true) as whole, behind.revision,
        max(judged.revision) filter (where fits) as last
      from behind
      left join judged on judged.id = behind.id
      group by behind.id, done, behind.revision
    )
    select id, done, whole, case when whole then revision else last end as up_to
    from chosen
    where whole or last is not null
    order by id`
}

/**
 * The messages are locked, so that whoever empties one waits and then finds its words here, and in the order in which
 * all lock them (erase-messages.ts). One that was changed meanwhile has a later revision and is left out.
 */
async function writeWords(tx: Transaction, spans: readonly Span[]): Promise<void> {
  await tx`
    with changed as (
      select conversation_id, messages.seq, messages.id as message_id, text, low_user_id, high_user_id
      from unnest(
        ${spans.map(({ id }) => id)}::uuid[],
        ${spans.map(({ done }) => done)}::int[],
        ${spans.map(({ upTo }) => upTo)}::int[]
      ) as span (id, done, up_to)
      join conversations on conversations.id = span.id
      join messages on conversation_id = span.id and messages.revision > done and messages.revision <= up_to
      order by conversation_id, messages.seq
      for share of messages
    ),
    emptied as (
      delete from search_documents
      using changed
      where search_documents.conversation_id = changed.conversation_id
        and search_documents.seq = changed.seq
        and text is null
    )
    insert into search_documents (conversation_id, seq, message_id, words)
    select conversation_id, seq, message_id,
      to_tsvector('simple', ${separated(tx)}) || array_to_tsvector(array['@' || low_user_id, '@' || high_user_id])
    from changed
    where text is not null
    on conflict (conversation_id, seq) do update
    set words = excluded.words`
}

async function noteProgress(tx: Transaction, spans: readonly Span[]): Promise<void> {
  await tx`
    update search_progress
    set revision = span.up_to
    from unnest(
      ${spans.map(({ id }) => id)}::uuid[],
      ${spans.map(({ upTo }) => upTo)}::int[]
    ) as span (id, up_to)
    where conversation_id = span.id`
}

const notYet = () =>
  new Problem('unavailable', 'There is much to index yet: ask again', {
    reason: 'busy',
    retryAfterSeconds: 1,
  })
