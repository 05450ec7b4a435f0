import { dataErased } from '@plaza/kit/erasure'
import { defineEvent } from '@plaza/kit/events'
import { z } from 'zod'
import { ConversationCore, Message, Pointers } from './schema.ts'

/** The subject of each is the conversation, the version its revision. */
export const conversationCreated = defineEvent('message', 'conversation.created', ConversationCore)
export const messageCreated = defineEvent('message', 'message.created', Message)
export const messageEdited = defineEvent('message', 'message.edited', Message)
export const messageDeleted = defineEvent('message', 'message.deleted', Message)
export const messageReacted = defineEvent('message', 'message.reacted', Message)

/** A person's pointers after a move. The other one gets it with 0 in place of what its owner keeps private, or not at all. */
export const receiptAdvanced = defineEvent(
  'message',
  'receipt.advanced',
  Pointers.extend({ conversationId: z.uuid(), revision: z.int() }),
)

/** The receipt that nothing of a deleted user's is left here. */
export const messageDataErased = dataErased('message')

/** The stream that this service owns. */
export const messageStream = {
  name: 'MESSAGE',
  subjects: ['evt.message.>', 'evt.conversation.>', 'evt.receipt.>', 'evt.message_data.>'],
}
