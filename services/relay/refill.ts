import { AckPolicy, DeliverPolicy, type JsMsg } from '@nats-io/jetstream'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { Sql } from '@plaza/kit/sql'
import { readLastSequence } from '@plaza/kit/stream'
import type { Appender, Frame } from './appender.ts'
import { deliveredEntities } from './deliver.ts'
import { relayStream } from './events.ts'
import { readMail } from './mail.ts'

type Options = { nats: Nats; sql: Sql; log: Log; appender: Appender; signal?: AbortSignal }
type Refill = { locked: boolean; generation: number; refilledGeneration: number; refillFromBroker: boolean }

const pageSize = 200
const minuteNanos = 60e9
const lock = 7_150_006

/**
 * Fills the mailboxes of a new generation from what the broker and the database keep, for the users who
 * are away: those who are connected repair themselves by what the gap tells them. Every frame is appended
 * once, so it may run again and beside the delivery. Answers how many frames it went through; throws when it is
 * told to stop, at the next page.
 */
export async function refillMailboxes(options: Options): Promise<number> {
  const { sql, log } = options
  const connection = await sql.reserve()
  try {
    const [row] = await connection<Refill[]>`
      select pg_try_advisory_lock(${lock}) as locked, generation, refilled_generation, refill_from_broker
      from mailboxes`
    if (!row?.locked) return 0
    try {
      if (row.refilledGeneration >= row.generation) return 0
      const fromBroker = row.refillFromBroker ? await refillFromBroker(options) : 0
      const frames = fromBroker + (await refillFromQueue(options))
      await connection`
        update mailboxes
        set refilled_generation = ${row.generation}
        where generation = ${row.generation}`
      const isFirst = row.refilledGeneration === 0 && frames === 0
      log[isFirst ? 'debug' : 'info']({ frames, generation: row.generation }, 'mailboxes refilled')
      return frames
    } finally {
      await connection`select pg_advisory_unlock(${lock})`
    }
  } finally {
    connection.release()
  }
}

async function refillFromBroker(options: Options): Promise<number> {
  let frames = 0
  for (const [stream, entities] of Object.entries(deliveredEntities)) {
    // What was enqueued stays in the database until it expires, longer than the broker keeps it.
    if (stream === relayStream.name) continue
    for await (const page of readPages(options, stream, entities))
      frames += await appendToAway(options.appender, readMail(page))
  }
  return frames
}

/** Everything a stream holds now, by a consumer that leaves nothing behind. Throws when the stream goes meanwhile. */
async function* readPages(
  { nats, signal }: Options,
  stream: string,
  entities: string[],
): AsyncGenerator<JsMsg[]> {
  const lastSequence = await readLastSequence(nats, stream)
  if (lastSequence === 0) return
  const { name } = await nats.jsm.consumers.add(stream, {
    filter_subjects: entities.map((entity) => `evt.${entity}.>`),
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    inactive_threshold: minuteNanos,
  })
  const consumer = await nats.js.consumers.get(stream, name)
  try {
    for (let seq = 0; seq < lastSequence && (await consumer.info()).num_pending > 0; ) {
      signal?.throwIfAborted()
      const page = await Array.fromAsync(await consumer.fetch({ max_messages: pageSize, expires: 5_000 }))
      seq = page.at(-1)?.seq ?? seq
      yield page
    }
  } finally {
    await consumer.delete().catch(() => {})
  }
}

type Row = { id: string; userId: string; body: string }
const firstId = '00000000-0000-0000-0000-000000000000'

/**
 * Appends what was enqueued for all, or for one user, and has not expired. Each page is a statement of its own, for the
 * time that a statement may take would count for a cursor as a whole.
 */
export async function refillFromQueue(
  { sql, appender, signal }: Pick<Options, 'sql' | 'appender' | 'signal'>,
  userId?: string,
): Promise<number> {
  let frames = 0
  for (let after: string | undefined = firstId; after; ) {
    signal?.throwIfAborted()
    const page: Row[] = await sql<Row[]>`
      select id, user_id, body
      from queue_items
      where expires_at > now() and id > ${after} ${userId ? sql`and user_id = ${userId}` : sql``}
      order by id
      limit ${pageSize}`
    await appender.append(toLetters(page))
    frames += page.length
    after = page.at(-1)?.id
  }
  return frames
}

function toLetters(rows: readonly Row[]): Map<string, Frame[]> {
  const mail = new Map<string, Frame[]>()
  for (const { id, userId, body } of rows) {
    const frame = { id, text: body, stored: body }
    const frames = mail.get(userId)
    if (frames) frames.push(frame)
    else mail.set(userId, [frame])
  }
  return mail
}

async function appendToAway(appender: Appender, mail: Map<string, Frame[]>): Promise<number> {
  await appender.append(mail, { onlyAway: true })
  return [...mail.values()].reduce((sum, frames) => sum + frames.length, 0)
}
