import type { JsMsg } from '@nats-io/jetstream'
import { type OutboxRow, recipientsHeader } from '@plaza/kit/publisher'
import { z } from 'zod'
import type { Frame } from './appender.ts'
import { queueEnqueued } from './events.ts'
import { findReplaced, toStored } from './pointer.ts'

/** The id of the event that a message of the broker's carries. */
export const eventIdOf = (message: JsMsg): string => message.headers?.get('Nats-Msg-Id') ?? ''

/** The row that the message was published of. */
const toRow = (message: JsMsg): OutboxRow => ({
  id: eventIdOf(message),
  subject: message.subject,
  body: message.string(),
  recipients: message.headers?.get(recipientsHeader) ?? '',
})

/** Sorts messages of the broker's into the mail of each recipient. */
export const readMail = (messages: readonly JsMsg[]): Map<string, Frame[]> => toMail(messages.map(toRow))

/** Sorts events into the mail of each recipient. The text is handed on as it came. */
export function toMail(events: readonly OutboxRow[]): Map<string, Frame[]> {
  const mail = new Map<string, Frame[]>()
  for (const { id, subject, body, recipients } of events) {
    if (!recipients || hasExpired(subject, body)) continue
    const frame = {
      id,
      text: body,
      stored: toStored(subject, body),
      replaces: findReplaced(subject, body),
    }
    for (const userId of recipients.split(',')) {
      const frames = mail.get(userId)
      if (frames) frames.push(frame)
      else mail.set(userId, [frame])
    }
  }
  return mail
}

const Enqueued = z.object({ data: queueEnqueued.schema })

/** What was enqueued and came late, after the broker was away, may have ended and been removed before it arrives. */
function hasExpired(subject: string, body: string): boolean {
  if (!subject.startsWith(`evt.${queueEnqueued.type}.`)) return false
  const read = Enqueued.safeParse(JSON.parse(body))
  return read.success && Date.parse(read.data.data.expiresAt) <= Date.now()
}
