import type { Conversation, Message, PlazaEvent, Presence, Receipt, Relation } from '../wire.ts'

export type State = 'offline' | 'connecting' | 'live' | 'ended'

export type NewConversation = Pick<Conversation, 'id' | 'memberIds' | 'createdAt'>

/** What `client.on` tells of. Each message is told once, in the order of `seq` within its conversation. */
export type LiveEvents = {
  message: Message
  edited: Message
  deleted: Message
  /** A reaction was added or taken back. */
  reaction: Message
  receipt: Receipt
  conversation: NewConversation
  /** A contact, a request for one or a block has changed. */
  contact: Relation
  presence: Presence
  typing: { conversationId: string; userId: string; active: boolean }
  /**
   * Every event as it came, also of kinds that this client does not know; those of messages, receipts and contacts may
   * come twice after a drop. What was sent by this very socket comes as `message` alone.
   */
  event: PlazaEvent
  /** `resumed` false: the device starts anew, so load lists now; everything after is told. */
  state: { state: State; resumed?: boolean }
  /** What the mailbox had lost was fetched, and has been told. */
  repaired: { reason: 'epoch' | 'trimmed' | 'ahead' }
  error: unknown
}
