import type { JsMsg } from '@nats-io/jetstream'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { Sql } from '@plaza/kit/sql'
import { isAbsent } from '@plaza/kit/stream'
import type { Appender, Frame } from './appender.ts'
import { deliveredSubjects, toMail } from './deliver.ts'
import { relayStream } from './events.ts'

type Options = { nats: Nats; sql: Sql; log: Log; appender: Appender }

const batchSize = 200
const lock = 7_150_006

/**
 * Fills the mailboxes of a new generation from what the broker and the database keep, for the users who
 * are away: those who are connected repair themselves by what the gap tells them. Every frame is appended
 * once, so it may run again and beside the delivery. Answers how many frames it went through.
 */
export async function refillMailboxes(options: Options): Promise<number> {
  const { sql, log } = options
  const connection = await sql.reserve()
  try {
    const [row] = await connection<{ locked: boolean; generation: number; refilledGeneration: number }[]>`
      select pg_try_advisory_lock(${lock}) as locked, generation, refilled_generation
      from mailboxes`
    if (!row?.locked) return 0
    try {
      if (row.refilledGeneration >= row.generation) return 0
      const frames = (await refillFromBroker(options)) + (await refillFromQueue(options))
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

async function refillFromBroker({ nats, appender }: Options): Promise<number> {
  let frames = 0
  for (const [stream, subjects] of Object.entries(deliveredSubjects)) {
    // What was enqueued stays in the database until it is acknowledged, longer than the broker keeps it.
    if (stream === relayStream.name) continue
    let batch: JsMsg[] = []
    for await (const message of readAll(nats, stream, subjects)) {
      batch.push(message)
      if (batch.length < batchSize) continue
      frames += await appendToAway(appender, toMail(batch))
      batch = []
    }
    frames += await appendToAway(appender, toMail(batch))
  }
  return frames
}

/** Everything a stream holds now, by a consumer that leaves nothing behind. */
async function* readAll(nats: Nats, stream: string, subjects: string[]): AsyncGenerator<JsMsg> {
  try {
    const { state } = await nats.jsm.streams.info(stream)
    if (state.messages === 0) return
    const consumer = await nats.js.consumers.get(stream, { filter_subjects: subjects })
    if ((await consumer.info()).num_pending === 0) return
    const messages = await consumer.consume({ max_messages: batchSize * 2 })
    for await (const message of messages) {
      yield message
      if (message.info.pending === 0 || message.seq >= state.last_seq) break
    }
    messages.stop()
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

type Row = { id: string; userId: string; body: string }

async function refillFromQueue({ sql, appender }: Options): Promise<number> {
  let frames = 0
  const rows = sql<Row[]>`
    select id, user_id, body
    from queue_items
    where expires_at > now()
    order by created_at, id`
  for await (const page of rows.cursor(batchSize)) {
    for (const { id, userId, body } of page) {
      const mail = new Map([[userId, [{ id, text: body, stored: body }]]])
      await appender.append(mail)
    }
    frames += page.length
  }
  return frames
}

async function appendToAway(appender: Appender, mail: Map<string, Frame[]>): Promise<number> {
  await appender.append(mail, { onlyAway: true })
  return [...mail.values()].reduce((sum, frames) => sum + frames.length, 0)
}
