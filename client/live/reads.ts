import type { ClientFrame } from '../wire.ts'

/**
 * What was said to be read, until it is certain to have arrived: the server answers no receipt, and a dead line takes
 * what is said for as long as nobody notices. The answer to a ping shows that all before the ping has arrived.
 */
export function createReads() {
  let fresh = new Map<string, number>()
  let older = new Map<string, number>()
  return {
    note(frame: ClientFrame) {
      if (frame.type !== 'receipt' || frame.readSeq === undefined) return
      const { conversationId: id, readSeq } = frame
      fresh.set(id, Math.max(readSeq, fresh.get(id) ?? 0, older.get(id) ?? 0))
    },
    /** A ping was answered; what was said since it went is shown by the next one. */
    confirm() {
      older = fresh
      fresh = new Map()
    },
    /** What is to be said again on a new socket. */
    left: (): ClientFrame[] =>
      [...new Map([...older, ...fresh])].map(([conversationId, readSeq]) => ({
        type: 'receipt',
        conversationId,
        readSeq,
        deliveredSeq: readSeq,
      })),
  }
}
