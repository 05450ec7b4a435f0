import type { EventDefinition } from '@plaza/kit/events'
import { type AppEnv, userOf } from '@plaza/kit/route'
import type { Transaction } from '@plaza/kit/sql'
import type { Context } from 'hono'
import type { Ctx } from './context.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { absentMessage } from './refusals.ts'
import type { Message } from './schema.ts'

/** A message that is about to change, as it is while its conversation is locked. */
export type Changing = {
  tx: Transaction
  userId: string
  message: Message
  /** Whether the other one still accepts what the user writes. */
  peerAccepts: boolean
}

/**
 * Changes a message of one of the caller's conversations under the conversation's lock: counts the
 * revision and stores the event with the message's new state. `change` answers false when there is
 * nothing to do. Throws not_found to strangers.
 */
export async function changeMessage(
  { outbox }: Ctx,
  c: Context<AppEnv>,
  messageId: string,
  event: EventDefinition<Message>,
  change: (changing: Changing) => Promise<boolean>,
): Promise<Message> {
  const { userId } = userOf(c)
  return await outbox.transaction(async (tx, emit) => {
    const conversation = await lockConversationOf(tx, messageId, userId)
    const message = await readMessage(tx, conversation.id, messageId)
    if (!(await change({ tx, userId, message, peerAccepts: conversation.peerAccepts }))) return message
    await countRevision(tx, conversation.id, messageId)
    const changed = await readMessage(tx, conversation.id, messageId)
    emit(
      event.emit({
        subject: conversation.id,
        version: changed.revision,
        actor: userId,
        data: changed,
        recipients: conversation.memberIds,
      }),
    )
    return changed
  })
}

type Locked = { id: string; memberIds: string[]; peerAccepts: boolean }

async function lockConversationOf(tx: Transaction, messageId: string, userId: string): Promise<Locked> {
  const [locked] = await tx<Locked[]>`
    select id, array[low_user_id, high_user_id] as member_ids,
      case when low_user_id = ${userId} then high_accepts else low_accepts end as peer_accepts
    from conversations
    where id = (select conversation_id from messages where id = ${messageId})
      and ${userId} in (low_user_id, high_user_id)
    for update`
  if (!locked) throw absentMessage()
  return locked
}

async function readMessage(tx: Transaction, conversationId: string, id: string): Promise<Message> {
  const [row] = await tx<MessageRow[]>`
    select ${messageColumns(tx)}
    from messages
    where conversation_id = ${conversationId} and id = ${id}`
  if (!row) throw absentMessage()
  return toMessage(row)
}

async function countRevision(tx: Transaction, conversationId: string, id: string): Promise<void> {
  await tx`
    with counted as (
      update conversations
      set revision = revision + 1
      where id = ${conversationId}
      returning revision
    )
    update messages
    set revision = counted.revision
    from counted
    where conversation_id = ${conversationId} and messages.id = ${id}`
}
