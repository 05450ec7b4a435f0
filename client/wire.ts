// What travels between a client and Plaza. The client stands alone, so that a front end need not install the
// server; `tests/wire.test.ts` fails when a type here and the server's own part ways.

export type Role = 'user' | 'moderator' | 'admin'

export type Me = {
  id: string
  username: string
  email: string
  emailVerified: boolean
  role: Role
  createdAt: string
}

/** A log-in: the access token lives some minutes, to `expiresAt` by the server's clock, the refresh token is good for one refresh. */
export type Session = {
  user: Me
  sessionId: string
  accessToken: string
  expiresAt: string
  refreshToken: string
}

/** What an error answer holds (RFC 9457). */
export type ProblemBody = {
  type: 'about:blank'
  title: string
  status: number
  code:
    | 'invalid'
    | 'unauthenticated'
    | 'forbidden'
    | 'not_found'
    | 'conflict'
    | 'limited'
    | 'unavailable'
    | 'internal'
  /** What a program can act on, for example `not_accepting`. */
  reason?: string | undefined
  detail?: string | undefined
  errors?: { path: string; message: string }[] | undefined
  requestId?: string | undefined
}

export type Page<Item> = { items: Item[]; nextCursor: string | null }

/** An end-to-end encrypted message: one ciphertext for each device, opaque to the server. */
export type Envelope = { algorithm: string; ciphertexts: { deviceId: string; body: string }[] }

export type Reaction = { emoji: string; userIds: string[] }

/** A message in its present state. `seq` counts the conversation's messages, `revision` all its changes. */
export type Message = {
  id: string
  conversationId: string
  seq: number
  revision: number
  senderId: string
  text: string | null
  envelope: Envelope | null
  replyToId: string | null
  reactions: Reaction[]
  createdAt: string
  editedAt: string | null
  deletedAt: string | null
}

/** What a send holds: plain text or an envelope, never both. */
export type Draft = { replyToId?: string | undefined } & (
  | { text: string; envelope?: undefined }
  | { envelope: Envelope; text?: undefined }
)

export type Conversation = {
  id: string
  kind: 'direct'
  memberIds: string[]
  seq: number
  revision: number
  lastMessage: Message | null
  /** Exact up to 1,000. */
  unread: number
  deliveredSeq: number
  readSeq: number
  peer: Pointers
  createdAt: string
  updatedAt: string
}

/** How far a person's devices have received and shown a conversation; 0 where they keep it private. */
export type Pointers = { userId: string; deliveredSeq: number; readSeq: number }
export type Receipt = Pointers & { conversationId: string }

/** What changed in a conversation since a revision, as it is now. */
export type Changes = { items: Message[]; receipts: Pointers[]; revision: number; more: boolean }

/** A fact as devices receive it: CloudEvents 1.0. */
export type PlazaEvent<Data = unknown> = {
  specversion: '1.0'
  id: string
  source: string
  type: string
  subject: string
  time: string
  version?: number
  actor?: string
  traceparent?: string
  data: Data
}

export type Person = { userId: string; username: string; displayName: string | null; avatar: string | null }

export type Profile = Person & {
  bio: string | null
  age: number | null
  gender: string | null
  favouriteStyle: string | null
  /** Counted by Plaza. */
  totalPosts: number
  fields: Record<string, string>
  version: number
  createdAt: string
  updatedAt: string
}

/** What may be set in one's own profile: what is left out stays, null empties. */
export type ProfileEdit = Partial<
  Pick<Profile, 'displayName' | 'bio' | 'avatar' | 'age' | 'gender' | 'favouriteStyle' | 'fields'>
>

type Audience = 'everyone' | 'contacts' | 'nobody'
export type PrivacySettings = {
  whoMayWrite: Audience
  whoSeesPresence: Audience
  sendDeliveryReceipts: boolean
  sendReadReceipts: boolean
}
export type Privacy = PrivacySettings & { version: number }

/** In one's own view: `outgoing` has asked, `incoming` was asked. */
export type ContactState = 'none' | 'outgoing' | 'incoming' | 'accepted'
export type Contact = { person: Person; state: ContactState; version: number; changedAt: string }
export type Block = { person: Person; version: number; blockedAt: string }

/** Everything that one has set about a person; the higher version holds. */
export type Relation = { userId: string; state: ContactState; blocked: boolean; version: number }

/** Messages in the order of `seq`; `before` and `after` ask for the neighbouring pages. */
export type History = { items: Message[]; before: number | null; after: number | null }

/** A message that a search found, and the part of its text that matches, in pieces. */
export type SearchHit = { message: Message; snippet: { text: string; match: boolean }[] }

/** A device where one is logged in. */
export type Device = {
  id: string
  device: { name: string } | null
  userAgent: string | null
  ip: string | null
  createdAt: string
  lastUsedAt: string
  current: boolean
}

/** How far the erasure of an account is. */
export type Erasure = {
  id: string
  status: 'running' | 'done'
  startedAt: string
  finishedAt: string | null
  receipts: { service: string; receivedAt: string | null }[]
}

export type Presence = { userId: string; status: 'online' | 'away' | 'offline'; lastSeenAt: string | null }

/** What a client says on the socket. */
export type ClientFrame =
  | { type: 'hello'; cursor?: string | undefined }
  | ({ type: 'send'; ref: string; key: string; conversationId: string; traceparent?: string } & Draft)
  | { type: 'receipt'; conversationId: string; deliveredSeq?: number; readSeq?: number }
  | { type: 'ack'; cursor: string }
  | { type: 'ping' }
  | { type: 'typing'; conversationId: string; active?: boolean }
  | { type: 'presence'; status: 'online' | 'away' }
  | { type: 'watch'; userIds: string[] }
  | { type: 'unwatch'; userIds: string[] }

/** What the mailbox no longer holds, with each scope's counters, by which the client finds what it missed. */
export type GapFrame = {
  type: 'gap'
  cursor: string
  reason: 'epoch' | 'trimmed' | 'ahead'
  scopes: {
    /** The pointers are one's own. */
    conversations:
      | { id: string; seq: number; revision: number; deliveredSeq?: number; readSeq?: number }[]
      | null
    more: boolean
    contacts: number | null
  }
}

/** What the server says on the socket. */
export type ServerFrame =
  | { type: 'ready'; sessionId: string; cursor: string; resumed: boolean; heartbeatSeconds: number }
  | { type: 'event'; cursor: string; event: PlazaEvent }
  | GapFrame
  | { type: 'sent'; ref: string; message: Message }
  | { type: 'error'; ref?: string | undefined; problem: ProblemBody }
  | { type: 'pong' }
  | { type: 'typing'; conversationId: string; userId: string; active: boolean }
  | ({ type: 'presence' } & Presence)
  | { type: 'resume'; withinMs: number }
