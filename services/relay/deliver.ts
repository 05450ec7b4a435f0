import type { JsMsg } from '@nats-io/jetstream'
import { type Consumers, startConsumer } from '@plaza/kit/consumer'
import { recipientsHeader } from '@plaza/kit/publisher'
import type { Appended } from './appended.ts'
import type { Frame } from './appender.ts'
import type { Ctx } from './context.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { findReplaced, toStored } from './pointer.ts'
import { type WakeUp, wakeUpSubject, writeWakeUp } from './wake-up.ts'

/** The events that may have recipients, by stream. */
export const deliveredSubjects: Record<string, string[]> = {
  USER: ['evt.profile.>', 'evt.contact.>', 'evt.block.>', 'evt.privacy.>'],
  MESSAGE: ['evt.message.>', 'evt.conversation.>', 'evt.receipt.>'],
  RELAY: ['evt.queue.>'],
}

const retryMs = 250

type Options = Pick<Ctx, 'nats' | 'log' | 'appender' | 'generation' | 'nodeHere'>

/** Brings each event into its recipients' mailboxes, then wakes the nodes at which they are connected. */
export async function startDelivery(options: Options): Promise<Consumers> {
  const { nats, log, appender, generation } = options
  let stopping = false
  const acknowledgements = createAcknowledgements()
  /** With Redis away the messages are held, for whatever is given back comes again a second later at best. */
  const appendPatiently = async (messages: readonly JsMsg[]): Promise<Appended[]> => {
    const mail = toMail(messages)
    for (;;) {
      try {
        return await appender.append(mail)
      } catch (error) {
        if (stopping || !(error instanceof MailboxesAway)) throw error
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
          wake(options, await appendPatiently(messages))
          acknowledgements.add(messages)
        },
      }),
    ),
  )
  return {
    async stop() {
      stopping = true
      await Promise.all(consumers.map((consumer) => consumer.stop()))
      acknowledgements.flush()
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
    const frame = {
      id: head?.get('Nats-Msg-Id') ?? '',
      text,
      stored: toStored(message.subject, text),
      replaces: findReplaced(message.subject, text),
    }
    for (const userId of recipients.split(',')) {
      const frames = mail.get(userId)
      if (frames) frames.push(frame)
      else mail.set(userId, [frame])
    }
  }
  return mail
}

const acknowledgeMs = 20

/**
 * Acknowledges a little later, many in one write: nobody waits for it, and what a crash leaves unacknowledged comes
 * again and is known.
 */
function createAcknowledgements() {
  let appended: JsMsg[] = []
  const flush = () => {
    for (const message of appended) message.ack()
    appended = []
  }
  const add = (messages: readonly JsMsg[]) => {
    if (appended.length === 0) setTimeout(flush, acknowledgeMs)
    appended.push(...messages)
  }
  return { add, flush }
}

/** NATS takes a megabyte; a character is up to three bytes. */
const payloadChars = 256 << 10

/** One message for each node, however many users it tells of; the one in this process is told without any. */
function wake({ nats, log, nodeHere }: Options, appended: readonly Appended[]): void {
  const here = nodeHere()
  const payloads = new Map<string, string>()
  const add = (node: string, record: string) => {
    const payload = payloads.get(node) ?? ''
    const full = payload !== '' && payload.length + record.length > payloadChars
    if (full) nats.connection.publish(wakeUpSubject(node), payload)
    payloads.set(node, full ? record : payload + record)
  }
  const runsHere: WakeUp[] = []
  for (const { nodes, runs } of appended) {
    const elsewhere = nodes.filter((node) => node !== here?.name)
    if (elsewhere.length < nodes.length) runsHere.push(...runs)
    if (elsewhere.length === 0) continue
    for (const run of runs) {
      const record = writeWakeUp(run)
      for (const node of elsewhere) add(node, record)
    }
  }
  if (runsHere.length > 0)
    here
      ?.wakeUp(runsHere)
      .catch((error) => log.error({ err: error }, 'the node in this process was not woken'))
  for (const [node, payload] of payloads) nats.connection.publish(wakeUpSubject(node), payload)
}
