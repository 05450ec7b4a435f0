import { createBatcher } from '@plaza/kit/batch'
import { newId } from '@plaza/kit/id'
import type { Outbox } from '@plaza/kit/outbox'
import type { Sql } from '@plaza/kit/sql'
import { receiptAdvanced } from './events.ts'
import { type ReceiptJob, storeReceipts } from './receipts-batch.ts'
import { absentConversation, heldUp, refuseHeldUp } from './refusals.ts'
import type { ReceiptState } from './schema.ts'

export type ReceiptRequest = {
  conversationId: string
  userId: string
  deliveredSeq?: number | undefined
  readSeq?: number | undefined
}

export type Receipts = {
  /** Moves a person's pointers forward and answers where they stand. Throws not_found to strangers. */
  advance(request: ReceiptRequest): Promise<ReceiptState>
  idle(): Promise<void>
}

/** Receipts of one moment are stored together, and those of one person in one conversation as one. */
export function createReceipts({ sql, outbox }: { sql: Sql; outbox: Outbox }): Receipts {
  const shared = { retryMs: 5_000 }
  /** For conversations that somebody else holds, as in send.ts. */
  const patient = createBatcher<ReceiptRequest, ReceiptState>({
    ...shared,
    run: (requests) => runBatch(sql, outbox, requests),
  })
  const batcher = createBatcher<ReceiptRequest, ReceiptState>({
    ...shared,
    run: (requests) => runBatch(sql, outbox, requests, patient.add),
    maxInFlight: 1,
  })
  return { advance: batcher.add, idle: batcher.idle }
}

async function runBatch(
  sql: Sql,
  outbox: Outbox,
  requests: readonly ReceiptRequest[],
  putOff?: (request: ReceiptRequest) => Promise<ReceiptState>,
): Promise<(ReceiptState | Error | Promise<ReceiptState>)[]> {
  const jobs = new Map<string, ReceiptJob>()
  for (const request of requests) merge(jobs, request)
  const names = [...jobs.keys()]
  const { moved, events } = await storeReceipts(sql, [...jobs.values()], { wait: !putOff }).catch(
    refuseHeldUp,
  )
  outbox.publish(events)
  const states = new Map(names.map((name, index) => [name, moved[index]]))
  return requests.map((request) => {
    const state = states.get(nameOf(request))
    if (state === 'busy') return putOff?.(request) ?? heldUp()
    return state ? { conversationId: request.conversationId, ...state } : absentConversation()
  })
}

const nameOf = ({ conversationId, userId }: ReceiptRequest) => `${conversationId}/${userId}`

function merge(jobs: Map<string, ReceiptJob>, request: ReceiptRequest): void {
  const { conversationId, userId, deliveredSeq = 0, readSeq = 0 } = request
  const waiting = jobs.get(nameOf(request))
  if (waiting) {
    waiting.deliveredSeq = Math.max(waiting.deliveredSeq, deliveredSeq)
    waiting.readSeq = Math.max(waiting.readSeq, readSeq)
    return
  }
  const head = {
    source: '/message',
    type: receiptAdvanced.type,
    subject: conversationId,
    time: new Date().toISOString(),
    actor: userId,
  }
  jobs.set(nameOf(request), {
    conversationId,
    userId,
    deliveredSeq,
    readSeq,
    eventId: newId(),
    peerEventId: newId(),
    head: JSON.stringify(head).slice(1, -1),
  })
}
