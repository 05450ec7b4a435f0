import type { Sql, Transaction } from '@plaza/kit/sql'
import type { Message } from './schema.ts'

const chunk = 5_000

/**
 * Brings the index up to date for a user's conversations, so that it holds all that was committed before:
 * whoever searches pays for what was written since somebody last searched there.
 */
export async function indexConversations(sql: Sql, userId: string): Promise<void> {
  for (;;) {
    const behind = await findBehind(sql, userId)
    if (behind.length === 0) return
    const indexed = await sql.begin((tx) => indexChunk(tx, behind))
    if (indexed < chunk) return
  }
}

/** Takes a message out of the index in the change that makes its words untrue; the next search looks at it anew. */
export async function forgetWords(
  tx: Transaction,
  { conversationId, seq }: Pick<Message, 'conversationId' | 'seq'>,
): Promise<void> {
  await tx`delete from search_documents where conversation_id = ${conversationId} and seq = ${seq}`
}

async function findBehind(sql: Sql, userId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select memberships.id
    from memberships
    left join search_progress done on done.conversation_id = memberships.id
    where user_id = ${userId} and memberships.revision > coalesce(done.revision, 0)
    order by memberships.id`
  return rows.map(({ id }) => id)
}

/**
 * Indexes the next messages of these conversations and answers how many they were. The rows of
 * search_progress are the locks, taken in the order of their ids. A conversation's revision and its
 * messages are read in one statement, so nothing that the revision counts is missed.
 */
async function indexChunk(tx: Transaction, ids: readonly string[]): Promise<number> {
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
  const [counted] = await tx<{ messages: number }[]>`
    with behind as (
      select id, low_user_id, high_user_id, conversations.revision, done.revision as done
      from search_progress done
      join conversations on conversations.id = done.conversation_id
      where done.conversation_id = any(${[...ids]}::uuid[]) and conversations.revision > done.revision
    ),
    changed as (
      select behind.id as conversation_id, low_user_id, high_user_id, message.*
      from behind
      cross join lateral (
        select seq, messages.id as message_id, text, messages.revision
        from messages
        where messages.conversation_id = behind.id and messages.revision > done
        order by messages.revision
        limit ${chunk}
      ) as message
      order by behind.id, message.revision
      limit ${chunk}
    ),
    reached as (
      select behind.id, behind.revision, max(changed.revision) as changed, sum(count(message_id)) over () as total
      from behind
      left join changed on changed.conversation_id = behind.id
      group by behind.id, behind.revision
    ),
    emptied as (
      delete from search_documents
      using changed
      where search_documents.conversation_id = changed.conversation_id
        and search_documents.seq = changed.seq
        and text is null
    ),
    indexed as (
      insert into search_documents (conversation_id, seq, message_id, words)
      select conversation_id, seq, message_id,
        to_tsvector('simple', text) || array_to_tsvector(array['@' || low_user_id, '@' || high_user_id])
      from changed
      where text is not null
      on conflict (conversation_id, seq) do update
      set words = excluded.words
    ),
    noted as (
      update search_progress
      set revision = case when total < ${chunk} then reached.revision else changed end
      from reached
      where search_progress.conversation_id = reached.id and (total < ${chunk} or changed is not null)
    )
    select count(*) as messages
    from changed`
  return counted?.messages ?? 0
}
