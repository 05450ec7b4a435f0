import { z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Role } from '@plaza/kit/identity'
import { isBlank, Text } from '@plaza/kit/text'
import { Traceparent } from '@plaza/kit/trace'

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const Name = z
  .string()
  .max(64)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII')

export const envelopeBytes = 256 << 10
/** What one item of a socket's frame may hold; larger envelopes go by REST. */
export const batchEnvelopeBytes = 48 << 10

/** An end-to-end encrypted message: a ciphertext for each device, which Plaza stores and never looks into. */
export const Envelope = z
  .object({
    algorithm: Name,
    ciphertexts: z
      .array(z.object({ deviceId: Name, body: z.string().min(1).regex(base64, 'must be base64') }))
      .min(1)
      .max(1_000),
  })
  .refine((envelope) => envelopeSize(envelope) <= envelopeBytes, 'must not be larger than 256 KB')
  .openapi('Envelope')
export type Envelope = z.infer<typeof Envelope>

/** Its size in bytes as JSON: everything in it is ASCII. */
export const envelopeSize = (envelope: unknown): number => JSON.stringify(envelope).length

/** What a person writes: up to 16,383 UTF-16 units, which is at most 48 KB of UTF-8. */
export const MessageText = Text(16_383, 1)
  .refine((text) => !isBlank(text), 'must not be blank')
  .openapi({ example: 'Shall we meet at eight?' })

/** A heart, a flag, a family: what a person sees as one emoji. */
export const Emoji = z
  .string()
  .max(64)
  .regex(/^\p{RGI_Emoji}$/v, 'must be one emoji')
  .openapi({ example: '👍' })

/** What a message says: plain text or an envelope. */
export const Content = z
  .object({ text: MessageText.optional(), envelope: Envelope.optional() })
  .refine(({ text, envelope }) => (text === undefined) !== (envelope === undefined), {
    message: 'Give either text or an envelope',
    path: ['text'],
  })
  .openapi('MessageContent')
export type Content = z.infer<typeof Content>

/** What is sent, perhaps in reply to a message of the same conversation. */
export const Draft = Content.safeExtend({ replyToId: Id.optional() }).openapi('MessageDraft')
export type Draft = z.infer<typeof Draft>

/** Whose act an item of another service's batch is: what the person's access token said. */
export const Actor = z.object({ userId: Id, sessionId: Id, issuedAt: z.number(), role: Role })

/** A message sent over a socket. Larger envelopes than 48 KB go by REST. */
export const SendItem = Draft.safeExtend({
  ...Actor.shape,
  conversationId: Id,
  key: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII'),
  traceparent: Traceparent.optional(),
}).refine(({ envelope }) => !envelope || envelopeSize(envelope) <= batchEnvelopeBytes, {
  message: 'Send an envelope of more than 48 KB by REST',
  path: ['envelope'],
})

const Seq = z.int().openapi({ description: 'Place in the conversation: 1, 2, 3 … without holes' })
const Revision = z.int().openapi({ description: "The conversation's counter of changes at the last change" })

export const Message = z
  .object({
    id: Id,
    conversationId: Id,
    seq: Seq,
    revision: Revision,
    senderId: Id,
    text: z.string().nullable().openapi({ description: 'Null in an encrypted, deleted or erased message' }),
    envelope: z.union([Envelope, z.null()]),
    replyToId: Id.nullable(),
    reactions: z.array(z.object({ emoji: z.string(), userIds: z.array(Id) })),
    createdAt: z.iso.datetime(),
    editedAt: z.iso.datetime().nullable(),
    deletedAt: z.iso.datetime().nullable(),
  })
  .openapi('Message')
export type Message = z.infer<typeof Message>

/** How far a person's devices have received and shown the conversation. 0 where its owner keeps it private. */
export const Pointers = z.object({ userId: Id, deliveredSeq: Seq, readSeq: Seq }).openapi('Pointers')
export type Pointers = z.infer<typeof Pointers>

/** What moves a pointer: the highest `seq` that arrived, and the highest that was seen. */
export const Receipt = z
  .object({
    deliveredSeq: z.int().min(0).max(2_147_483_647).optional(),
    readSeq: z.int().min(0).max(2_147_483_647).optional(),
  })
  .refine((receipt) => receipt.deliveredSeq !== undefined || receipt.readSeq !== undefined, {
    message: 'Give deliveredSeq, readSeq or both',
    path: ['readSeq'],
  })
  .openapi('Receipt')

/** A receipt sent over a socket. */
export const ReceiptItem = Receipt.safeExtend({ ...Actor.omit({ role: true }).shape, conversationId: Id })

/** Where one's own pointers stand. */
export const ReceiptState = z
  .object({ conversationId: Id, deliveredSeq: z.int(), readSeq: z.int(), revision: z.int() })
  .openapi('ReceiptState')
export type ReceiptState = z.infer<typeof ReceiptState>

/** The part of a conversation that is the same for both. */
export const ConversationCore = z.object({
  id: Id,
  memberIds: z.array(Id),
  createdAt: z.iso.datetime(),
})

export const Conversation = ConversationCore.extend({
  kind: z.literal('direct'),
  seq: z.int().openapi({ description: '`seq` of the last message' }),
  revision: z.int().openapi({ description: 'Counts every change; ask for changes since one you have' }),
  lastMessage: z.union([Message, z.null()]),
  unread: z.int().openapi({ description: 'Messages of the other one not read yet, exact up to 1,000' }),
  deliveredSeq: z.int(),
  readSeq: z.int(),
  peer: Pointers,
  updatedAt: z.iso.datetime(),
}).openapi('Conversation')
export type Conversation = z.infer<typeof Conversation>
