import type { Memory } from './memory.ts'

/** Answers false when there is no room for it now. */
type Send = (conversationId: string, seq: number) => boolean

const waitMs = 300
const nextMs = 1_000
/** So many at once, so that a backlog leaves room for what else is to be said. */
const portion = 40

/**
 * Tells the server how far messages have reached this device: one note for a burst, only ever forward, and
 * what finds no room later, if need be after a reload. The server passes it on where the person allows it.
 */
export function createDelivered(memory: Memory, send: Send) {
  const { delivered: reached } = memory
  let timer: ReturnType<typeof setTimeout> | undefined
  let isPaused = true
  const wake = (ms: number) => {
    if (!isPaused && reached.size > 0) timer ??= setTimeout(flush, ms)
  }
  const flush = () => {
    timer = undefined
    for (const [conversationId, seq] of [...reached].slice(0, portion))
      if (send(conversationId, seq)) reached.delete(conversationId)
    memory.save()
    wake(nextMs)
  }
  return {
    note(conversationId: string, seq: number) {
      reached.set(conversationId, Math.max(seq, reached.get(conversationId) ?? 0))
      memory.save()
      wake(waitMs)
    },
    /** Goes on at a new connection with what the last one did not take. */
    resume() {
      isPaused = false
      wake(waitMs)
    },
    pause() {
      isPaused = true
      clearTimeout(timer)
      timer = undefined
    },
  }
}
