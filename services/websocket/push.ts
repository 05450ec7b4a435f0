import type { Problem } from '@plaza/kit/problem'
import type { ServerFrame } from './frames.ts'
import { closedSockets } from './metrics.ts'
import type { Session } from './session.ts'

/** Hands text to the socket. Answers false when it did not take it; the socket is closing then. */
export function push(session: Session, text: string): boolean {
  const { socket } = session
  if (!socket || session.phase === 'closed') return false
  const result = socket.send(text)
  if (result <= 0 && session.stalledAt === 0) {
    session.stalledAt = performance.now()
    session.stalledBytes = socket.getBufferedAmount()
  }
  return result !== 0
}

export const pushFrame = (session: Session, frame: ServerFrame): boolean =>
  push(session, JSON.stringify(frame))

/** A frame that is left out when the reader is behind; answers whether the socket took it. */
export const pushEphemeral = (session: Session, text: string): boolean =>
  session.phase === 'open' && session.stalledAt === 0 && push(session, text)

export const pushProblem = (session: Session, problem: Problem, ref?: string): boolean =>
  pushFrame(session, { type: 'error', ...(ref === undefined ? {} : { ref }), problem: problem.body() })

const terminateMs = 1_000

/** Closes with a code; a peer that does not take the close is cut off. */
export function close(session: Session, code: number, reason: string): void {
  const { socket } = session
  if (session.phase !== 'closed') closedSockets.inc({ code })
  session.phase = 'closed'
  if (!socket) return
  socket.close(code, reason)
  setTimeout(() => socket.terminate(), terminateMs).unref()
}
