import type { JsMsg } from '@nats-io/jetstream'
import type { Consumers } from './consumer.ts'
import { startConsumer } from './consumer.ts'
import { answerReplays } from './dead-letters.ts'
import type { EventDefinition, PlazaEvent } from './events.ts'
import { every } from './every.ts'
import type { Log } from './log.ts'
import type { Nats } from './nats.ts'
import { recipientsHeader } from './publisher.ts'
import { isOutage, type Sql, type Transaction } from './sql.ts'
import { readTrace, runFor } from './trace.ts'

/** What a service does about an event, once, under a durable name `<service>-<what it does>`. */
export type Subscription = {
  durable: string
  stream: string
  types: readonly string[]
  handle(event: PlazaEvent, tx: Transaction): Promise<void>
}

/**
 * Reacts to an event. The handler's writes and the note that it has run share one transaction, so a
 * repeated delivery changes nothing. Events may arrive out of order: compare `event.version`.
 */
export const on = <Data>(
  definition: EventDefinition<Data>,
  durable: string,
  handle: (event: PlazaEvent<Data>, tx: Transaction) => Promise<void>,
): Subscription => ({
  durable,
  stream: definition.stream,
  types: [definition.type],
  handle: (event, tx) => handle(definition.parse(event), tx),
})

type Options = { sql: Sql; nats: Nats; log: Log; subscriptions: readonly Subscription[]; retry?: Retry }
type Retry = { maxAttempts: number; pauseMs(attempt: number): number }

const patient: Retry = { maxAttempts: 8, pauseMs: (attempt) => Math.min(250 * 4 ** attempt, 300_000) }

/** Runs the consumers of one service. What a handler fails on by itself is retried with growing pauses, then set aside as a dead letter. */
export async function startInbox({
  sql,
  nats,
  log,
  subscriptions,
  retry = patient,
}: Options): Promise<Consumers> {
  const consumers = await Promise.all(
    subscriptions.map((subscription) =>
      startConsumer({
        nats,
        log,
        stream: subscription.stream,
        durable: subscription.durable,
        subjects: subscription.types.map((type) => `evt.${type}.>`),
        healthy: () => sql`select 1`,
        isOutage,
        async handle(messages) {
          for (const message of messages) await receive({ sql, log, retry }, subscription, message)
        },
      }),
    ),
  )
  const endings = subscriptions.map((subscription) =>
    answerReplays({
      sql,
      nats,
      log,
      consumer: subscription.durable,
      apply: (event) => applyEvent(sql, subscription, event),
    }),
  )
  const stopForgetting = every(600_000, log, (signal) => forgetOldEvents(sql, signal))
  return {
    async stop() {
      for (const end of endings) end()
      await stopForgetting()
      await Promise.all(consumers.map((consumer) => consumer.stop()))
    },
  }
}

type Receiving = { sql: Sql; log: Log; retry: Retry }

async function receive(
  { sql, log, retry }: Receiving,
  subscription: Subscription,
  message: JsMsg,
): Promise<void> {
  try {
    await applyEvent(sql, subscription, message.json<PlazaEvent>())
    message.ack()
  } catch (error) {
    if (isOutage(error)) throw error
    const attempts = await noteFailure(sql, subscription, message, String(error))
    const dead = attempts >= retry.maxAttempts
    log.error(
      { err: error, durable: subscription.durable, subject: message.subject, attempts, dead },
      'event not handled',
    )
    if (!dead) return message.nak(retry.pauseMs(attempts))
    await sql`
      update inbox_failures
      set dead_at = now()
      where consumer = ${subscription.durable} and event_id = ${eventIdOf(message)}`
    message.ack()
  }
}

/** Takes the effect of one event unless this consumer has had it. */
export async function applyEvent(sql: Sql, subscription: Subscription, event: PlazaEvent): Promise<void> {
  await runFor({ trace: readTrace(event.traceparent) }, () => apply(sql, subscription, event))
}

const apply = (sql: Sql, subscription: Subscription, event: PlazaEvent) =>
  sql.begin(async (tx) => {
    const [fresh] = await tx`
      insert into inbox (consumer, event_id)
      values (${subscription.durable}, ${event.id})
      on conflict do nothing
      returning event_id`
    if (!fresh) return
    await subscription.handle(event, tx)
    await tx`delete from inbox_failures where consumer = ${subscription.durable} and event_id = ${event.id}`
  })

const forgottenRows = 10_000

/**
 * Forgets events that can come no more: the outbox keeps one for two days and, published again at the end of
 * them, the broker for three. A statement takes a part, so that none lasts too long.
 */
export async function forgetOldEvents(sql: Sql, signal?: AbortSignal): Promise<void> {
  for (let count = forgottenRows; count === forgottenRows && !signal?.aborted; ) {
    const result = await sql`
      delete from inbox
      where (consumer, event_id) in (
        select consumer, event_id
        from inbox
        where received_at < now() - interval '6 days'
        limit ${forgottenRows}
      )`
    count = result.count
  }
}

async function noteFailure(
  sql: Sql,
  subscription: Subscription,
  message: JsMsg,
  error: string,
): Promise<number> {
  const [row] = await sql<{ attempts: number }[]>`
    insert into inbox_failures (consumer, event_id, subject, body, recipients, error)
    values (
      ${subscription.durable},
      ${eventIdOf(message)},
      ${message.subject},
      ${storable(message.string())},
      ${message.headers?.get(recipientsHeader) ?? ''},
      ${storable(error.slice(0, 2_000))}
    )
    on conflict (consumer, event_id) do update
    set attempts = inbox_failures.attempts + 1,
      error = excluded.error,
      failed_at = now()
    returning attempts`
  return row?.attempts ?? 1
}

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The event's id as the publisher gave it, readable even when the body is not. What came from elsewhere and has none
 * gets one from its place: a failure that could not be noted would hold up all that follows.
 */
function eventIdOf(message: JsMsg): string {
  const id = message.headers?.get('Nats-Msg-Id') ?? ''
  return form.test(id) ? id : Bun.randomUUIDv5(`${message.info.stream} ${message.seq}`, 'url')
}

/** No text column holds NUL. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd')
