import type { Emission } from '@plaza/kit/events'
import { newId } from '@plaza/kit/id'
import { messageCreated } from './events.ts'
import type { Message } from './schema.ts'

/** The event of a message with this text on its way to users, as a send would have stored it. For tests of those who deliver it. */
export function createdEvent(
  userIds: readonly string[],
  text: string,
  message: Partial<Message> = {},
): Emission {
  const data: Message = {
    id: newId(),
    conversationId: newId(),
    seq: 1,
    revision: 1,
    senderId: userIds[0] ?? newId(),
    text,
    envelope: null,
    replyToId: null,
    reactions: [],
    createdAt: new Date().toISOString(),
    editedAt: null,
    deletedAt: null,
    ...message,
  }
  const { id, conversationId: subject, revision: version } = data
  return messageCreated.emit({ id, subject, data, version, recipients: userIds })
}
