import type { JsMsg } from '@nats-io/jetstream'
import { type Consumers, startConsumer } from '@plaza/kit/consumer'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import { recipientsHeader } from '@plaza/kit/stream'
import type { Appended } from './appended.ts'
import type { Appender, Frame } from './appender.ts'
import type { Generation } from './generation.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { toStored } from './pointer.ts'
import { wakeUpSubject, writeWakeUp } from './wake-up.ts'

/** The events that may have recipients, by stream. */
export const deliveredSubjects: Record<string, string[]> = {
  USER: ['evt.profile.>', 'evt.contact.>', 'evt.block.>', 'evt.privacy.>'],
  MESSAGE: ['evt.message.>', 'evt.conversation.>', 'evt.receipt.>'],
  RELAY: ['evt.queue.>'],
}

const retryMs = 250

type Options = { nats: Nats; log: Log; appender: Appender; generation: Generation }

/** Brings each event into its recipients' mailboxes, then wakes the nodes at which they are connected. */
export async function startDelivery({ nats, log, appender, generation }: Options): Promise<Consumers> {
  let stopping = false
  /** With Redis away the messages are held, for whatever is given back comes again half a minute later. */
  const appendPatiently = async (messages: readonly JsMsg[]): Promise<Appended[]> => {
    const mail = toMail(messages)
    for (;;) {
      try {
        return await appender.append(mail)
      } catch (error) {
        if (stopping || !(error instanceof MailboxesAway)) throw error
        for (const message of messages) message.working()
        await Bun.sleep(retryMs)
      }
    }
  }
  const consumers = await Promise.all(
    Object.entries(deliveredSubjects).map(([stream, subjects]) =>
      startConsumer({
        nats,
        log,
        stream,
        subjects,
        durable: `relay-deliver-${stream.toLowerCase()}`,
        maxPending: 2_000,
        healthy: async () => generation.current(),
        isOutage: (error) => error instanceof MailboxesAway,
        async handle(messages) {
          wake(nats, await appendPatiently(messages))
          for (const message of messages) message.ack()
        },
      }),
    ),
  )
  return {
    async stop() {
      stopping = true
      await Promise.all(consumers.map((consumer) => consumer.stop()))
    },
  }
}

/** Sorts events into the mail of each recipient. The text is handed on as it came. */
export function toMail(messages: readonly JsMsg[]): Map<string, Frame[]> {
  const mail = new Map<string, Frame[]>()
  for (const message of messages) {
    const head = message.headers
    const recipients = head?.get(recipientsHeader)
    if (!recipients) continue
    const text = message.string()
    const frame = { id: head?.get('Nats-Msg-Id') ?? '', text, stored: toStored(message.subject, text) }
    for (const userId of recipients.split(',')) {
      const frames = mail.get(userId)
      if (frames) frames.push(frame)
      else mail.set(userId, [frame])
    }
  }
  return mail
}

/** NATS takes a megabyte; a character is up to three bytes. */
const payloadChars = 256 << 10

/** One message for each node, however many users it tells of. */
function wake(nats: Nats, appended: readonly Appended[]): void {
  const payloads = new Map<string, string>()
  const add = (node: string, record: string) => {
    const payload = payloads.get(node) ?? ''
    const full = payload !== '' && payload.length + record.length > payloadChars
    if (full) nats.connection.publish(wakeUpSubject(node), payload)
    payloads.set(node, full ? record : payload + record)
  }
  for (const { nodes, runs } of appended)
    for (const run of runs) {
      const record = writeWakeUp(run)
      for (const node of nodes) add(node, record)
    }
  for (const [node, payload] of payloads) nats.connection.publish(wakeUpSubject(node), payload)
}
