import { createBatcher } from '@plaza/kit/batch'
import { newId } from '@plaza/kit/id'
import { hashRequest, keyReused } from '@plaza/kit/idempotency'
import { counter } from '@plaza/kit/metrics'
import type { Outbox } from '@plaza/kit/outbox'
import { Problem } from '@plaza/kit/problem'
import { isUniqueViolation, type Sql } from '@plaza/kit/sql'
import { sampledTraceparent } from '@plaza/kit/trace'
import { messageCreated } from './events.ts'
import { findMessages } from './message-row.ts'
import { absentConversation, heldUp, notAccepting, refuseHeldUp } from './refusals.ts'
import type { Draft, Message } from './schema.ts'
import { type SendJob, type Sent, storeBatch } from './send-batch.ts'

/** A message that somebody wants sent; REST and sockets make the same one. */
export type SendRequest = Draft & {
  senderId: string
  conversationId: string
  /** Made here when the sender brings none. */
  key: string | undefined
}

export type Sender = {
  /**
   * Stores a message with its event and answers once both are committed. The same key with the same content
   * gets the same message however often and from wherever it comes; with other content it is refused.
   */
  send(request: SendRequest): Promise<Message>
  idle(): Promise<void>
}

type Prepared = { job: SendJob; message: Message }

const storedMessages = counter('messages_stored_total', 'Messages stored')
/** How long a send outlives a lost database before its caller is told to come again. */
const patienceMs = 5_000

export function createSender({ sql, outbox }: { sql: Sql; outbox: Outbox }): Sender {
  const shared = {
    keyOf: ({ job }: Prepared) => job.conversationId,
    // An envelope may have 256 KB.
    sizeOf: ({ job }: Prepared) => job.tail.length,
    maxBatchSize: 4 << 20,
    maxWaitingSize: 64 << 20,
    retryMs: patienceMs,
  }
  /** For conversations that somebody else holds, so that nobody else's sends wait with theirs. */
  const patient = createBatcher<Prepared, Message>({
    ...shared,
    maxInFlight: 4,
    run: (prepared) => runBatch(sql, outbox, prepared),
  })
  const batcher = createBatcher<Prepared, Message>({
    ...shared,
    run: (prepared) => runBatch(sql, outbox, prepared, patient.add),
  })
  const underWay = new Map<string, { requestHash: string; message: Promise<Message> }>()

  const send = async (request: SendRequest): Promise<Message> => {
    const prepared = prepare(request)
    const { job } = prepared
    const name = `${job.conversationId}/${job.senderId}/${job.key}`
    for (;;) {
      const first = underWay.get(name)
      if (!first) break
      if (first.requestHash === job.requestHash) return await first.message
      const stored = await first.message.catch(() => undefined)
      if (stored) throw keyReused()
    }
    const message = batcher.add(prepared).finally(() => underWay.delete(name))
    underWay.set(name, { requestHash: job.requestHash, message })
    return await message
  }
  return { send, idle: batcher.idle }
}

/** Without `putOff` it waits for the conversations that somebody else holds. */
async function runBatch(
  sql: Sql,
  outbox: Outbox,
  prepared: Prepared[],
  putOff?: (prepared: Prepared) => Promise<Message>,
): Promise<(Message | Error | Promise<Message>)[]> {
  const jobs = prepared.map(({ job }) => job)
  const { sent, events } = await storeKnowing(sql, jobs, { wait: !putOff })
  outbox.publish(events)
  storedMessages.inc(events.length)
  return prepared.map((one, index) => {
    const result = sent[index] ?? { outcome: 'absent' }
    if (result.outcome === 'busy') return putOff?.(one) ?? heldUp()
    return answer(sql, one, result)
  })
}

/**
 * The statement sees what was committed when it began. A key that another instance stored while it waited
 * for the lock is refused by its unique index, and seen by the next run.
 */
async function storeKnowing(
  sql: Sql,
  jobs: SendJob[],
  options: { wait: boolean },
  runs = 5,
): ReturnType<typeof storeBatch> {
  try {
    return await storeBatch(sql, jobs, options)
  } catch (error) {
    if (runs === 1 || !isUniqueViolation(error)) refuseHeldUp(error)
    return await storeKnowing(sql, jobs, options, runs - 1)
  }
}

type Known = Exclude<Sent, { outcome: 'busy' }>

function answer(sql: Sql, { job, message }: Prepared, sent: Known): Message | Error | Promise<Message> {
  switch (sent.outcome) {
    case 'new':
      return { ...message, seq: sent.seq, revision: sent.revision }
    case 'stored':
      // An emptied message has no hash any more, and any content will do for its key.
      if (sent.requestHash !== null && sent.requestHash !== job.requestHash) return keyReused()
      return findStored(sql, job.senderId, sent.id)
    case 'refused':
      return notAccepting()
    case 'reply_absent':
      return new Problem('not_found', 'The message replied to is not in this conversation', {
        reason: 'reply_not_found',
      })
    case 'absent':
      return absentConversation()
  }
}

async function findStored(sql: Sql, senderId: string, id: string): Promise<Message> {
  const [stored] = await findMessages(sql, senderId, [id])
  if (!stored) throw absentConversation()
  return stored
}

function prepare({ senderId, conversationId, key, ...draft }: SendRequest): Prepared {
  const envelope = draft.envelope ? JSON.stringify(draft.envelope) : null
  const createdAt = new Date().toISOString()
  const replyToId = draft.replyToId ?? null
  const message = {
    id: newId(),
    conversationId,
    seq: 0,
    revision: 0,
    senderId,
    text: draft.text ?? null,
    envelope: draft.envelope ?? null,
    replyToId,
    reactions: [],
    createdAt,
    editedAt: null,
    deletedAt: null,
  }
  const { seq: _seq, revision: _revision, ...data } = message
  const head = {
    specversion: '1.0',
    id: message.id,
    source: '/message',
    type: messageCreated.type,
    subject: conversationId,
    time: createdAt,
    actor: senderId,
    traceparent: sampledTraceparent(),
  }
  const job = {
    id: message.id,
    conversationId,
    senderId,
    key: key ?? message.id,
    requestHash: hashRequest(envelope ? 'envelope' : 'text', replyToId ?? '', envelope ?? draft.text ?? ''),
    text: message.text,
    envelope,
    replyToId,
    createdAt,
    head: `${JSON.stringify(head).slice(0, -1)},"version":`,
    tail: `${JSON.stringify(data).slice(1)}}`,
  }
  return { job, message }
}
