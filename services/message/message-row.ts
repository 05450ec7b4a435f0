import type { Sql, Transaction } from '@plaza/kit/sql'
import type { Envelope, Message } from './schema.ts'

export type MessageRow = {
  id: string
  conversationId: string
  seq: number
  revision: number
  senderId: string
  text: string | null
  envelope: string | null
  replyToId: string | null
  reactions: Message['reactions'] | null
  createdAt: Date
  editedAt: Date | null
  deletedAt: Date | null
}

/** The columns of a MessageRow, for a statement in which the table is named `messages`. */
export const messageColumns = (sql: Sql | Transaction) => sql`
  messages.id, messages.conversation_id, messages.seq, messages.revision, messages.sender_id, messages.text,
  messages.envelope, messages.reply_to_id, messages.created_at, messages.edited_at, messages.deleted_at,
  (
    select json_agg(json_build_object('emoji', emoji, 'userIds', user_ids) order by first_at)
    from (
      select emoji, json_agg(user_id order by created_at) as user_ids, min(created_at) as first_at
      from reactions
      where reactions.conversation_id = messages.conversation_id and message_id = messages.id
      group by emoji
    ) as grouped
  ) as reactions`

export const toMessage = ({ envelope, reactions, ...row }: MessageRow): Message => ({
  id: row.id,
  conversationId: row.conversationId,
  seq: row.seq,
  revision: row.revision,
  senderId: row.senderId,
  text: row.text,
  envelope: envelope === null ? null : readEnvelope(envelope),
  replyToId: row.replyToId,
  reactions: reactions ?? [],
  createdAt: row.createdAt.toISOString(),
  editedAt: row.editedAt?.toISOString() ?? null,
  deletedAt: row.deletedAt?.toISOString() ?? null,
})

/** It was checked before it was stored. */
const readEnvelope = (json: string): Envelope => JSON.parse(json)

/** Messages by their ids, those that are in a conversation of the user, in the order of the ids. */
export async function findMessages(
  sql: Sql | Transaction,
  userId: string,
  ids: readonly string[],
): Promise<Message[]> {
  const rows = await sql<MessageRow[]>`
    select ${messageColumns(sql)}
    from messages
    join conversations on conversations.id = messages.conversation_id
    where messages.id = any(${[...ids]}::uuid[])
      and ${userId} in (low_user_id, high_user_id)`
  const found = new Map(rows.map((row) => [row.id, toMessage(row)]))
  return ids.flatMap((id) => found.get(id) ?? [])
}
