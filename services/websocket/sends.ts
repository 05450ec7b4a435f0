import { createBatcher } from '@plaza/kit/batch'
import { newId } from '@plaza/kit/id'
import type { Fetch } from '@plaza/kit/peers'
import { Problem, ProblemBody } from '@plaza/kit/problem'
import type { Message } from '@plaza/message/schema'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import { noteFailure } from './faults.ts'
import { frameBytes, type SendFrame } from './frames.ts'
import { noteOwn } from './own.ts'
import { push, pushFrame, pushProblem } from './push.ts'
import type { Session } from './session.ts'

type Item = Omit<SendFrame, 'type' | 'ref'> & {
  userId: string
  sessionId: string
  issuedAt: number
  role: Session['role']
}

type Result = { message: Message } | { problem: ProblemBody }
/** Messages come typed from message, whose own schema has checked them; this says only that there is a list. */
const Results = z.object({ results: z.array(z.custom<Result>()) })

export type Sends = {
  /** Stores a message as REST would, and answers the socket with it or with the problem. */
  send(session: Session, frame: SendFrame): Promise<void>
  /** Resolves when every send has its answer. */
  idle(): Promise<void>
}

const retryMs = 5_000

type Options = Pick<Ctx, 'message' | 'sendHere' | 'log'>

/** Sends of many sockets travel together. A batch that failed on the way is sent again: each item has its key. */
export function createSends({ message, sendHere, log }: Options): Sends {
  const batcher = createBatcher<Item, Result>({
    // What it leads to waits for company itself.
    gatherMs: 0,
    keyOf: ({ conversationId }) => conversationId,
    sizeOf: ({ text }) => text?.length ?? frameBytes,
    maxWaitingSize: 64 << 20,
    maxInFlight: 4,
    retryMs,
    isTransient: (error) => error instanceof Problem && error.code === 'unavailable',
    run: async (items) => {
      const here = sendHere()
      if (here) return toResults(await here(items))
      const results: Result[] = []
      // One after the other: two at once could be stored in another order than they were sent.
      for (const body of toBodies(items)) results.push(...(await sendBatch(message, body)))
      return results
    },
  })
  return {
    idle: batcher.idle,
    async send(session, { type, ref, ...draft }) {
      const { userId, sessionId, issuedAt, role } = session
      try {
        const result = await batcher.add({ userId, sessionId, issuedAt, role, ...draft })
        if ('problem' in result) pushFrame(session, { type: 'error', ref, problem: result.problem })
        else tellSent(session, ref, result.message)
      } catch (error) {
        if (!(error instanceof Problem)) noteFailure(log, error, 'message not sent')
        pushProblem(session, error instanceof Problem ? error : unavailable(error), ref)
      }
    },
  }
}

function tellSent(session: Session, ref: string, message: Message): void {
  const frame = `{"type":"sent","ref":${JSON.stringify(ref)},"message":${JSON.stringify(message)}}`
  if (push(session, frame)) noteOwn(session, message.id)
}

/** Message answers the same by either way; only the one by the wire has to be read. */
const toResults = (results: readonly unknown[]) => results as Promise<Result>[]

/** Message takes bodies up to a megabyte. */
const bodyBytes = 512 << 10

/** The items as JSON, in bodies that are not too large. */
function toBodies(items: readonly Item[]): string[] {
  const bodies: string[] = []
  let batch: string[] = []
  let bytes = 0
  for (const text of items.map((item) => JSON.stringify(item))) {
    const size = Buffer.byteLength(text)
    if (batch.length > 0 && bytes + size > bodyBytes) {
      bodies.push(`{"items":[${batch.join(',')}]}`)
      batch = []
      bytes = 0
    }
    batch.push(text)
    bytes += size
  }
  return [...bodies, `{"items":[${batch.join(',')}]}`]
}

async function sendBatch(message: Fetch, body: string): Promise<Result[]> {
  const answer = await message('http://message/internal/v1/messages/batch', {
    method: 'POST',
    // Each item has its own key, so the whole may be repeated; by this the peer knows.
    headers: { 'content-type': 'application/json', 'idempotency-key': newId() },
    body,
  })
  if (!answer.ok) throw await toProblem(answer)
  return Results.parse(await answer.json()).results
}

/** What went wrong with the whole batch; an answer that is no problem is taken for an outage. */
async function toProblem(answer: Response): Promise<Problem> {
  const body = ProblemBody.safeParse(await answer.json().catch(() => undefined))
  if (!body.success || body.data.code === 'internal') return unavailable(answer.status)
  const { code, detail = '', reason, errors } = body.data
  return new Problem(code, detail, { ...(reason ? { reason } : {}), ...(errors ? { errors } : {}) })
}

const unavailable = (cause: unknown) =>
  new Problem('unavailable', 'The message could not be stored now: send it again with the same key', {
    cause,
    retryAfterSeconds: 1,
  })
