import type { Fetch } from '@plaza/kit/peers'
import { z } from 'zod'

/** Longer events about messages are not kept in mailboxes, which then hold what leads to the message instead. */
const wholeBytes = 1_024
const lookupLimit = 100

/** What a mailbox keeps of a long event: the event's text up to its data, and the message to put there. */
export type Pointer = { bytes: number; messageId: string; head: string }

/**
 * The text that a mailbox keeps of an event: the very text, or `P<bytes> <message id> <head>`. Of messages only the
 * first event is kept whole, by whose id the mailbox can let go of it; so no text outlives its message there.
 */
export function toStored(subject: string, text: string): string {
  if (!subject.startsWith('evt.message.')) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= wholeBytes && subject.startsWith('evt.message.created.')) return text
  const dataAt = text.indexOf(',"data":{')
  const messageId = findMessageId(text)
  if (dataAt < 0 || messageId === undefined) return text
  return `P${bytes} ${messageId} ${text.slice(0, dataAt)}`
}

/** The frame that an event makes pointless: that of a deleted message, whose first event has the message's id. */
export const findReplaced = (subject: string, text: string): string | undefined =>
  subject.startsWith('evt.message.deleted.') ? findMessageId(text) : undefined

/** Inside a JSON string every quote is escaped, so this finds the message's own id and never a word of its text. */
function findMessageId(text: string): string | undefined {
  const dataAt = text.indexOf(',"data":{')
  const idAt = dataAt < 0 ? -1 : text.indexOf('"id":"', dataAt)
  return idAt < 0 ? undefined : text.slice(idAt + 6, idAt + 42)
}

export function readPointer(stored: string): Pointer | undefined {
  if (!stored.startsWith('P')) return undefined
  const idAt = stored.indexOf(' ') + 1
  return {
    bytes: Number(stored.slice(1, idAt - 1)),
    messageId: stored.slice(idAt, idAt + 36),
    head: stored.slice(idAt + 37),
  }
}

const Found = z.object({ items: z.array(z.looseObject({ id: z.string(), revision: z.number() })) })
type Found = z.infer<typeof Found>['items'][number]

/**
 * The events' texts, with each pointer filled from message as the message is now; undefined where the
 * message is no more. Throws when message does not answer.
 */
export async function fillPointers(
  message: Fetch,
  userId: string,
  stored: readonly string[],
): Promise<(string | undefined)[]> {
  const pointers = stored.map(readPointer)
  const ids = [...new Set(pointers.flatMap((pointer) => pointer?.messageId ?? []))]
  const found = new Map<string, Found>()
  for (let from = 0; from < ids.length; from += lookupLimit)
    for (const item of await lookUp(message, userId, ids.slice(from, from + lookupLimit)))
      found.set(item.id, item)
  return stored.map((text, index) => {
    const pointer = pointers[index]
    if (!pointer) return text
    const item = found.get(pointer.messageId)
    return item && fill(pointer, item)
  })
}

/** The state may be newer than the event; its version then is, too. */
const fill = ({ head }: Pointer, item: Found): string =>
  `${head.replace(/"version":\d+/, `"version":${item.revision}`)},"data":${JSON.stringify(item)}}`

async function lookUp(message: Fetch, userId: string, ids: string[]): Promise<Found[]> {
  const answer = await message('http://message/internal/v1/messages/lookup', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': ids[0] ?? '' },
    body: JSON.stringify({ userId, ids }),
  })
  if (!answer.ok) throw new Error(`message answered ${answer.status} to a look-up`)
  return Found.parse(await answer.json()).items
}
