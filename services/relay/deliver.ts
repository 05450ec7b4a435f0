import type { JsMsg } from '@nats-io/jetstream'
import { startConsumer } from '@plaza/kit/consumer'
import type { Appended } from './appended.ts'
import { followBacklog } from './backlog.ts'
import type { Ctx } from './context.ts'
import { createHandOver, type HandOver } from './hand-over.ts'
import { eventIdOf, readMail, toMail } from './mail.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { type WakeUp, wakeUpSubject, writeWakeUp } from './wake-up.ts'

/** The entities whose events may have recipients, by stream. */
export const deliveredEntities: Record<string, string[]> = {
  USER: ['profile', 'contact', 'block', 'privacy'],
  MESSAGE: ['message', 'conversation', 'receipt'],
  RELAY: ['queue'],
}

/** The consumer of a stream's events, the same for all instances. */
const durableOf = (stream: string): string => `relay-deliver-${stream.toLowerCase()}`

const retryMs = 250

type Options = Pick<Ctx, 'nats' | 'log' | 'appender' | 'generation' | 'nodeHere'>

/** Brings events into their recipients' mailboxes, and wakes the nodes at which those are connected. */
export type Delivery = {
  /** Events that a service of this process has just committed and is about to publish. */
  handOver: HandOver['take']
  stop(): Promise<void>
}

export async function startDelivery(options: Options): Promise<Delivery> {
  const { nats, log, appender, generation } = options
  let stopping = false
  const acknowledgements = createAcknowledgements()
  const streams = Object.keys(deliveredEntities)
  const durables = new Map(streams.map((stream) => [stream, durableOf(stream)]))
  const backlog = followBacklog({ nats, log, durables })
  const handOver = createHandOver({
    isCaughtUp: backlog.isOver,
    generation,
    bring: async (events) => wake(options, await appender.append(toMail(events))),
  })
  /** With Redis away the messages are held, for whatever is given back comes again a second later at best. */
  const appendPatiently = async (messages: readonly JsMsg[]): Promise<Appended[]> => {
    for (;;) {
      try {
        return await appender.append(readMail(await findNew(handOver, messages)))
      } catch (error) {
        if (stopping || !(error instanceof MailboxesAway)) throw error
        await Bun.sleep(retryMs)
      }
    }
  }
  const consumers = await Promise.all(
    Object.entries(deliveredEntities).map(([stream, entities]) =>
      startConsumer({
        nats,
        log,
        stream,
        // Without what the outbox knows to be delivered, which has one token more.
        subjects: entities.map((entity) => `evt.${entity}.*.*`),
        durable: durableOf(stream),
        maxPending: 2_000,
        healthy: async () => generation.current(),
        isOutage: (error) => error instanceof MailboxesAway,
        async handle(messages) {
          wake(options, await appendPatiently(messages))
          for (const message of messages) handOver.arrived(eventIdOf(message))
          acknowledgements.add(messages)
        },
      }),
    ),
  )
  return {
    handOver: handOver.take,
    async stop() {
      stopping = true
      await backlog.stop()
      await Promise.all([...consumers.map((consumer) => consumer.stop()), handOver.idle()])
      acknowledgements.flush()
    },
  }
}

/** Those that are not just being brought. */
async function findNew(handOver: HandOver, messages: readonly JsMsg[]): Promise<JsMsg[]> {
  const brought = await Promise.all(messages.map((message) => handOver.isBrought(eventIdOf(message))))
  return messages.filter((_, index) => !brought[index])
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
