import type { Emission } from '@plaza/kit/events'
import type { Transaction } from '@plaza/kit/sql'
import { messageDeleted, messageReacted } from './events.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import type { Message } from './schema.ts'

/** A transaction, and where its events go. */
export type Change = { tx: Transaction; emit(emission: Emission): void }

/** A locked conversation of somebody who is being erased. */
export type Erasing = { id: string; peerId: string; revision: number }

export const pageOfMessages = 200

/** Empties the next page of a user's messages, those above `from`: each keeps its id and place. Answers them in order. */
export async function emptyMessages(
  { tx, emit }: Change,
  userId: string,
  conversation: Erasing,
  from: number,
): Promise<Message[]> {
  const rows = await tx<MessageRow[]>`
    with own as (
      select seq, id, row_number() over (order by seq) as n
      from messages
      where conversation_id = ${conversation.id} and sender_id = ${userId} and seq > ${from}
        and deleted_at is null
      order by seq
      limit ${pageOfMessages}
    ),
    unreacted as (
      delete from reactions
      using own
      where reactions.conversation_id = ${conversation.id} and message_id = own.id
    ),
    unindexed as (
      delete from search_documents
      using own
      where search_documents.conversation_id = ${conversation.id} and search_documents.seq = own.seq
    )
    update messages
    set text = null, envelope = null, reply_to_id = null, request_hash = null, edited_at = null,
      deleted_at = date_trunc('milliseconds', now()), revision = ${conversation.revision} + n
    from own
    where messages.conversation_id = ${conversation.id} and messages.seq = own.seq
    returning messages.id, messages.conversation_id, messages.seq, revision, sender_id, text, envelope,
      reply_to_id, null as reactions, created_at, edited_at, deleted_at`
  const messages = rows.map(toMessage).sort((one, other) => one.seq - other.seq)
  await tx`update conversations set revision = revision + ${messages.length} where id = ${conversation.id}`
  for (const data of messages)
    emit(
      messageDeleted.emit({
        subject: conversation.id,
        version: data.revision,
        data,
        recipients: [conversation.peerId],
      }),
    )
  return messages
}

/** Takes back the user's reactions to a page of messages, and answers to how many. */
export async function takeBackReactions(
  { tx, emit }: Change,
  userId: string,
  conversation: Erasing,
): Promise<number> {
  const removed = await tx<{ messageId: string }[]>`
    delete from reactions
    where conversation_id = ${conversation.id} and user_id = ${userId} and message_id in (
      select distinct message_id
      from reactions
      where conversation_id = ${conversation.id} and user_id = ${userId}
      limit ${pageOfMessages}
    )
    returning message_id`
  const ids = [...new Set(removed.map(({ messageId }) => messageId))]
  if (ids.length === 0) return 0
  await tx`
    update messages
    set revision = ${conversation.revision} + n
    from unnest(${ids}::uuid[]) with ordinality as reacted (id, n)
    where messages.id = reacted.id`
  await tx`update conversations set revision = revision + ${ids.length} where id = ${conversation.id}`
  const rows = await tx<MessageRow[]>`
    select ${messageColumns(tx)}
    from messages
    where id = any(${ids}::uuid[])
    order by revision`
  for (const data of rows.map(toMessage))
    emit(
      messageReacted.emit({
        subject: conversation.id,
        version: data.revision,
        data,
        recipients: [conversation.peerId],
      }),
    )
  return ids.length
}
