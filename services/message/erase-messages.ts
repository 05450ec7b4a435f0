import type { Emission } from '@plaza/kit/events'
import type { Transaction } from '@plaza/kit/sql'
import { messageDeleted, messageReacted } from './events.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import type { Message } from './schema.ts'
import { forgetWords } from './search-index.ts'

/** A transaction, and where its events go. */
export type Change = { tx: Transaction; emit(emission: Emission): void }

/** A locked conversation of somebody who is being erased. */
export type Erasing = { id: string; peerId: string; revision: number }

export const pageOfMessages = 200

/**
 * Empties the next page of a user's messages, those above `from`: each keeps its id and place. Answers them in order.
 * Who locks several messages does so by their `seq`, here as in search-index.ts.
 */
export async function emptyMessages(
  { tx, emit }: Change,
  userId: string,
  conversation: Erasing,
  from: number,
): Promise<Message[]> {
  const rows = await tx<MessageRow[]>`
    with locked as materialized (
      select seq, id
      from messages
      where conversation_id = ${conversation.id} and sender_id = ${userId} and seq > ${from}
        and deleted_at is null
      order by seq
      limit ${pageOfMessages}
      for no key update
    ),
    own as (
      select seq, id, row_number() over (order by seq) as n
      from locked
    ),
    unreacted as (
      delete from reactions
      using own
      where reactions.conversation_id = ${conversation.id} and message_id = own.id
    )
    update messages
    set text = null, envelope = null, reply_to_id = null, request_hash = null, edited_at = null,
      deleted_at = date_trunc('milliseconds', now()), revision = ${conversation.revision} + n
    from own
    where messages.conversation_id = ${conversation.id} and messages.seq = own.seq
    returning messages.id, messages.conversation_id, messages.seq, revision, sender_id, text, envelope,
      reply_to_id, null as reactions, created_at, edited_at, deleted_at`
  const messages = rows.map(toMessage).sort((one, other) => one.seq - other.seq)
  await forgetWords(tx, conversation.id, messages)
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
    with locked as materialized (
      select id
      from messages
      where id = any(${ids}::uuid[])
      order by seq
      for no key update
    ),
    reacted as (
      select id, row_number() over () as n
      from locked
    )
    update messages
    set revision = ${conversation.revision} + n
    from reacted
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
