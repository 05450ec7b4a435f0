import { errors, type Msg } from '@nats-io/transport-node'
import { z } from 'zod'
import type { PlazaEvent } from './events.ts'
import type { Log } from './log.ts'
import type { Nats } from './nats.ts'
import type { Sql } from './sql.ts'

/** An event that a consumer gave up on. One event may be dead for several consumers. */
export type DeadLetter = {
  consumer: string
  eventId: string
  subject: string
  attempts: number
  error: string
  deadAt: Date
}

/** The dead letters of one service, the latest first. */
export const listDeadLetters = async (sql: Sql, limit = 100): Promise<DeadLetter[]> => [
  ...(await sql<DeadLetter[]>`
    select consumer, event_id, subject, attempts, error, dead_at
    from inbox_failures
    where dead_at is not null
    order by dead_at desc, consumer, event_id
    limit ${limit}`),
]

/** The dead letters of one event, with the event's text. */
export const showDeadLetters = async (
  sql: Sql,
  eventId: string,
): Promise<(DeadLetter & { body: string; recipients: string })[]> => [
  ...(await sql<(DeadLetter & { body: string; recipients: string })[]>`
    select consumer, event_id, subject, attempts, error, dead_at, body, recipients
    from inbox_failures
    where dead_at is not null and event_id = ${eventId}
    order by consumer`),
]

/** Gives the dead letters of one event up for good. Answers how many there were. */
export async function dropDeadLetters(sql: Sql, eventId: string): Promise<number> {
  const { count } = await sql`
    delete from inbox_failures
    where dead_at is not null and event_id = ${eventId}`
  return count
}

const Answer = z.object({ error: z.string().optional() })

/**
 * Hands one dead letter to a running instance of its consumer, which takes its effect once, as it would
 * have. Answers undefined when that went well, else why not; the letter then stays.
 */
export async function replayDeadLetter(
  nats: Nats,
  { consumer, eventId }: Pick<DeadLetter, 'consumer' | 'eventId'>,
): Promise<string | undefined> {
  try {
    const answer = await nats.connection.request(subjectOf(consumer), eventId, { timeout: 15_000 })
    return Answer.parse(answer.json()).error
  } catch (error) {
    if (error instanceof errors.RequestError && error.isNoResponders())
      return 'its service does not run: start it first'
    return error instanceof Error ? error.message : String(error)
  }
}

type Options = {
  sql: Sql
  nats: Nats
  log: Log
  consumer: string
  /** Takes the effect of an event unless it was taken before. */
  apply(event: PlazaEvent): Promise<void>
}

/** Lets an operator have this consumer's dead letters applied again; the answer ends that. */
export function answerReplays({ sql, nats, log, consumer, apply }: Options): () => void {
  const answer = async (message: Msg) => {
    const eventId = message.string()
    const error = await replay(sql, consumer, eventId, apply)
    log[error ? 'warn' : 'info']({ consumer, eventId, error }, 'dead letter replayed')
    message.respond(JSON.stringify({ error }))
  }
  const subscription = nats.connection.subscribe(subjectOf(consumer), {
    queue: consumer,
    callback(failure, message) {
      if (!failure) void answer(message)
    },
  })
  return () => subscription.unsubscribe()
}

async function replay(
  sql: Sql,
  consumer: string,
  eventId: string,
  apply: Options['apply'],
): Promise<string | undefined> {
  const which = sql`consumer = ${consumer} and event_id = ${eventId}`
  try {
    const [letter] = await sql<{ body: string }[]>`select body from inbox_failures where ${which}`
    if (!letter) return 'there is no such dead letter any more'
    await apply(JSON.parse(letter.body))
    await sql`delete from inbox_failures where ${which}`
    return undefined
  } catch (cause) {
    const error = String(cause).slice(0, 2_000)
    await sql`update inbox_failures set attempts = attempts + 1, error = ${error}, failed_at = now() where ${which}`.catch(
      () => {},
    )
    return error
  }
}

/** Apart from `evt.`, so that no stream keeps it. */
const subjectOf = (consumer: string) => `rpc.replay.${consumer}`
