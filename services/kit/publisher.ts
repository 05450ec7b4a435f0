import { type ApiError, JetStreamApiError, type PubAck } from '@nats-io/jetstream'
import { createInbox, errors, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'

/** An event as it is stored and published; `recipients` are user ids joined by commas. */
export type OutboxRow = { id: string; subject: string; body: string; recipients: string }

/** The header that carries the users whose mailboxes get an event. */
export const recipientsHeader = 'Plaza-Recipients'

export type Publisher = {
  /**
   * Publishes a stored event and answers once the stream has it; a repeat within two minutes is dropped there.
   * Throws when the stream refused it, when there is none, or when nobody answered: then it may have it all the same.
   */
  publish(row: OutboxRow): Promise<PubAck>
  /** Gives up what is under way, as its answers are lost with the connection. */
  connectionLost(): void
}

type Waiting = { resolve(ack: PubAck): void; reject(error: Error): void; since: number }
type Answer = PubAck | { error: ApiError }

/**
 * Publishes to JetStream with one subscription for all answers and one timer for all time-outs. The client's own
 * `publish` makes a request of each, with a timer, a promise race and a stack trace: half of what it cost.
 */
export function createPublisher(connection: NatsConnection, timeoutMs = 3_000): Publisher {
  const inbox = createInbox()
  const waiting = new Map<string, Waiting>()
  let count = 0
  let timer: ReturnType<typeof setInterval> | undefined

  const take = (number: string): Waiting | undefined => {
    const found = waiting.get(number)
    waiting.delete(number)
    if (waiting.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
    return found
  }
  const giveUp = (until: number, reason: string) => {
    // They stand in the order of their times.
    for (const [number, { since }] of waiting) {
      if (since > until) break
      take(number)?.reject(new Error(reason))
    }
  }
  connection.subscribe(`${inbox}.*`, {
    callback(error, message) {
      const asked = take(message.subject.slice(inbox.length + 1))
      if (!asked) return
      const ack = error ?? readAnswer(message)
      if (ack instanceof Error) asked.reject(ack)
      else asked.resolve(ack)
    },
  })
  return {
    publish: ({ id, subject, body, recipients }) =>
      new Promise((resolve, reject) => {
        const head = headers()
        head.set('Nats-Msg-Id', id)
        if (recipients) head.set(recipientsHeader, recipients)
        const number = String(++count)
        connection.publish(subject, body, { reply: `${inbox}.${number}`, headers: head })
        waiting.set(number, { resolve, reject, since: performance.now() })
        timer ??= setInterval(() => giveUp(performance.now() - timeoutMs, 'the broker did not answer'), 250)
      }),
    connectionLost: () => giveUp(Number.POSITIVE_INFINITY, 'the connection to the broker was lost'),
  }
}

/** "maximum bytes exceeded", in the server's errors.json; the client has no name for it. */
const streamIsFull = 10_077

/** Whether the broker will not have this event, as opposed to being away or full. */
export const isRefusal = (error: unknown): boolean =>
  (error instanceof JetStreamApiError && error.code !== streamIsFull) ||
  error instanceof errors.InvalidArgumentError

/** The broker says by an empty message with status 503 that nobody listens at a subject: no stream takes it. */
function readAnswer(message: Msg): PubAck | Error {
  if (message.data.length === 0) return new Error('no stream takes this subject')
  const answer = message.json<Answer>()
  return 'error' in answer ? new JetStreamApiError(answer.error) : answer
}
