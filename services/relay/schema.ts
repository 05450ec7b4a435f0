import { z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'

const dataBytes = 32 << 10

export const QueueType = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/, 'must be words in lower case joined by dots')
  .openapi({ description: 'What the device goes by', example: 'reminder.due' })

export const QueueData = z
  .record(z.string(), z.unknown())
  .refine(fits, 'must not be larger than 32 KB')
  .openapi({ description: 'Whatever the type asks for' })

/** In bytes of UTF-8, as it is stored and sent. What is nested so deeply that it cannot be written is too large as well. */
function fits(data: unknown): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(data)) <= dataBytes
  } catch {
    return false
  }
}

/** What is asked to be kept for a user until their devices have it. */
export const QueueRequest = z
  .object({
    userId: Id,
    type: QueueType,
    data: QueueData,
    expiresAt: z.iso.datetime().optional().openapi({ description: 'After 7 days unless told otherwise' }),
  })
  .openapi('QueueRequest')
export type QueueRequest = z.output<typeof QueueRequest>

export const QueueItem = z
  .object({ queueId: Id, userId: Id, type: QueueType, data: QueueData, expiresAt: z.iso.datetime() })
  .openapi('QueueItem')
export type QueueItem = z.output<typeof QueueItem>

export const CursorText = z.string().max(64).openapi({
  description: 'A place in the mailbox',
  example: '3.1k9x0c4f2m-1741',
})

/** An event as devices get it; `type` says what `data` holds (see the events' document). */
export const DeviceEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: Id,
    source: z.string(),
    type: z.string(),
    subject: z.string(),
    time: z.string(),
    data: z.unknown(),
  })
  .openapi('Event')

export const MailboxPage = z
  .object({
    items: z.array(z.object({ cursor: CursorText, event: DeviceEvent })),
    nextCursor: CursorText.nullable().openapi({ description: 'Null when this page reaches the end' }),
    gap: z.boolean().openapi({
      description:
        'True when the mailbox no longer holds all since the cursor: repair by the changes of each conversation',
    }),
    cursor: CursorText.openapi({ description: 'The place after this page: acknowledge it' }),
  })
  .openapi('MailboxPage')
