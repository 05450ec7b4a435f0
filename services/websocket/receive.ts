import { Problem } from '@plaza/kit/problem'
import { acknowledge } from './acknowledgements.ts'
import { spend, spendMore } from './budget.ts'
import type { Ctx } from './context.ts'
import { noteFailure } from './faults.ts'
import { ClientFrame, closeCodes, frameBytes } from './frames.ts'
import type { Parts } from './parts.ts'
import { maxWatched } from './presence.ts'
import { close, push, pushProblem } from './push.ts'
import type { Session } from './session.ts'

const maxFaults = 5
/** So many people watched cost as much as a frame. */
const watchedForAFrame = 10
const pong = '{"type":"pong"}'

/** Takes in what a client says. A frame that cannot be understood is answered with what is wrong, a few times. */
export function receive(ctx: Ctx, parts: Parts, session: Session, raw: string | Buffer): void {
  if (session.phase === 'closed') return
  const bytes = typeof raw === 'string' ? Buffer.byteLength(raw) : raw.length
  const budget = spend(session, bytes, ctx.config, performance.now())
  if (bytes > frameBytes) close(session, closeCodes.tooLarge, 'a frame may hold 64 KB')
  else if (budget === 'over') close(session, closeCodes.overBudget, 'too many frames')
  else if (budget === 'refused') pushProblem(session, overBudget(), refOf(raw))
  else accept(ctx, parts, session, raw)
}

function accept(ctx: Ctx, parts: Parts, session: Session, raw: string | Buffer): void {
  const frame = readFrame(raw)
  if (frame instanceof Problem) refuse(session, frame, refOf(raw))
  else if ((frame.type === 'hello') !== (session.phase === 'new')) refuse(session, outOfTurn())
  else {
    void handle(parts, session, frame).catch((error) => {
      const known = error instanceof Problem
      if (!known) noteFailure(ctx.log, error, `frame ${frame.type}`)
      pushProblem(session, known ? error : new Problem('unavailable', 'This cannot be done now'))
    })
  }
}

async function handle(parts: Parts, session: Session, frame: ClientFrame): Promise<void> {
  switch (frame.type) {
    case 'hello':
      await parts.reader.open(session, frame.cursor)
      if (session.phase === 'open') await parts.presence.arrived(session)
      return
    case 'send':
      return await parts.sends.send(session, frame)
    case 'receipt': {
      const { conversationId, deliveredSeq, readSeq } = frame
      return parts.receipts.note(session, conversationId, { deliveredSeq, readSeq })
    }
    case 'ack':
      return acknowledge(parts.acknowledgements, session, frame.cursor)
    case 'ping':
      return void push(session, pong)
    case 'typing':
      return await parts.typing.note(session, frame.conversationId, frame.active)
    case 'presence':
      session.status = frame.status
      return await parts.presence.changed(session)
    case 'watch':
      if (new Set([...(session.watching?.keys() ?? []), ...frame.userIds]).size > maxWatched)
        throw new Problem('limited', `A socket watches ${maxWatched} people at most`, {
          reason: 'too_many_watched',
        })
      // Who may be seen and how they are is asked for each of them.
      if (!spendMore(session, Math.floor(frame.userIds.length / watchedForAFrame))) throw overBudget()
      return await parts.presence.watch(session, frame.userIds)
    case 'unwatch':
      return parts.presence.unwatch(session, frame.userIds)
  }
}

function readFrame(raw: string | Buffer): ClientFrame | Problem {
  if (typeof raw !== 'string') return new Problem('invalid', 'Frames are text', { reason: 'frame_binary' })
  const value = readJson(raw)
  if (value === undefined) return new Problem('invalid', 'Frames are JSON', { reason: 'frame_malformed' })
  const parsed = ClientFrame.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues
    .slice(0, 20)
    .map(({ path, message }) => ({ path: path.join('.'), message }))
  return new Problem('invalid', 'The frame is not valid', { reason: 'frame_invalid', errors })
}

/** The sender's own name for a frame that is not valid otherwise. */
function refOf(raw: string | Buffer): string | undefined {
  const value = typeof raw === 'string' ? readJson(raw) : undefined
  if (typeof value !== 'object' || value === null || !('ref' in value)) return undefined
  return typeof value.ref === 'string' && value.ref.length <= 64 ? value.ref : undefined
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(session: Session, problem: Problem, ref?: string): void {
  session.faults += 1
  pushProblem(session, problem, ref)
  if (session.faults >= maxFaults) close(session, closeCodes.badFrame, 'too many frames were not valid')
}

const overBudget = () =>
  new Problem('limited', 'This socket has said too much', { reason: 'over_budget', retryAfterSeconds: 1 })

const outOfTurn = () => new Problem('invalid', 'hello comes first, and once', { reason: 'hello_first' })
