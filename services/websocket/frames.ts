import { z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { ProblemBody } from '@plaza/kit/problem'
import { Text } from '@plaza/kit/text'
import { Traceparent } from '@plaza/kit/trace'
import { Message } from '@plaza/message/schema'

/** A frame is JSON text of this size at most. */
export const frameBytes = 64 << 10

export const Cursor = z
  .string()
  .max(64)
  .meta({ description: 'A place in the mailbox', examples: ['3.1k9x0c4f2m-1741'] })
const Ref = z.string().min(1).max(64).meta({ description: "The sender's own name for this frame" })
const Key = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/)
  .meta({ description: 'A repeat with the same key is answered with the same message' })
const Seq = z.int().min(0).max(2_147_483_647)
const UserIds = z.array(Id).min(1).max(200)

export const HelloFrame = z.object({ type: z.literal('hello'), cursor: Cursor.optional() })
/** Text and envelope are looked at by message, which has the last word on them. */
export const SendFrame = z.object({
  type: z.literal('send'),
  ref: Ref,
  key: Key,
  conversationId: Id,
  text: Text(16_383, 1).optional(),
  envelope: z.looseObject({}).optional(),
  replyToId: Id.optional(),
  traceparent: Traceparent.optional(),
})
export const ReceiptFrame = z
  .object({
    type: z.literal('receipt'),
    conversationId: Id,
    deliveredSeq: Seq.optional(),
    readSeq: Seq.optional(),
  })
  .refine((frame) => frame.deliveredSeq !== undefined || frame.readSeq !== undefined, {
    message: 'Give deliveredSeq, readSeq or both',
    path: ['readSeq'],
  })
export const AckFrame = z.object({ type: z.literal('ack'), cursor: Cursor })
export const PingFrame = z.object({ type: z.literal('ping') })
export const TypingFrame = z.object({
  type: z.literal('typing'),
  conversationId: Id,
  active: z.boolean().default(true),
})
export const SetPresenceFrame = z.object({ type: z.literal('presence'), status: z.enum(['online', 'away']) })
export const WatchFrame = z.object({ type: z.literal('watch'), userIds: UserIds })
export const UnwatchFrame = z.object({ type: z.literal('unwatch'), userIds: UserIds })

/** What a client says. */
export const ClientFrame = z.discriminatedUnion('type', [
  HelloFrame,
  SendFrame,
  ReceiptFrame,
  AckFrame,
  PingFrame,
  TypingFrame,
  SetPresenceFrame,
  WatchFrame,
  UnwatchFrame,
])
export type ClientFrame = z.output<typeof ClientFrame>
export type SendFrame = z.output<typeof SendFrame>

export const ReadyFrame = z.object({
  type: z.literal('ready'),
  sessionId: Id,
  cursor: Cursor,
  resumed: z.boolean().meta({ description: 'Whether delivery goes on from the cursor of hello' }),
  heartbeatSeconds: z.int().meta({ description: 'For how long the line may be silent' }),
})
export const EventFrame = z.object({
  type: z.literal('event'),
  cursor: Cursor,
  event: z.looseObject({ id: Id, type: z.string(), subject: z.string(), data: z.unknown() }),
})
export const GapFrame = z.object({
  type: z.literal('gap'),
  cursor: Cursor.meta({ description: 'Delivery goes on from here' }),
  reason: z.enum(['epoch', 'trimmed', 'ahead']).meta({
    description: 'The mailbox began anew, dropped what comes next, or ends before the cursor',
  }),
  scopes: z.object({
    conversations: z
      .array(
        z.object({
          id: Id,
          seq: z.int(),
          revision: z.int(),
          deliveredSeq: z.int().optional().meta({ description: "The user's own pointers" }),
          readSeq: z.int().optional(),
        }),
      )
      .nullable()
      .meta({ description: 'The most recent conversations; null when nobody could say' }),
    more: z.boolean().meta({ description: 'Whether there are conversations beyond these' }),
    contacts: z.int().nullable().meta({ description: 'The version of contacts and blocks' }),
  }),
})
export const SentFrame = z.object({ type: z.literal('sent'), ref: Ref, message: Message })
export const ErrorFrame = z.object({ type: z.literal('error'), ref: Ref.optional(), problem: ProblemBody })
export const PongFrame = z.object({ type: z.literal('pong') })
export const TypingShownFrame = z.object({
  type: z.literal('typing'),
  conversationId: Id,
  userId: Id,
  active: z.boolean(),
})
export const PresenceFrame = z.object({
  type: z.literal('presence'),
  userId: Id,
  status: z.enum(['online', 'away', 'offline']),
  lastSeenAt: z.iso.datetime().nullable(),
})
export const ResumeFrame = z.object({ type: z.literal('resume'), withinMs: z.int() })

/** What the server says. */
export const ServerFrame = z.discriminatedUnion('type', [
  ReadyFrame,
  EventFrame,
  GapFrame,
  SentFrame,
  ErrorFrame,
  PongFrame,
  TypingShownFrame,
  PresenceFrame,
  ResumeFrame,
])
export type ServerFrame = z.output<typeof ServerFrame>

/** Why the server closes a socket. */
export const closeCodes = {
  badFrame: 4400,
  sessionEnded: 4401,
  timeOut: 4408,
  tooLarge: 4413,
  overBudget: 4429,
  resumeElsewhere: 4503,
  slow: 4009,
} as const

/** For how long a line may be silent: a client that says ping twice in that time hears something at least as often. */
export const heartbeatSeconds = 40
