/**
 * Tells the server how far messages have reached this device: one note for a burst, and only ever
 * forward. The server passes it on where the person allows it.
 */
export function createDelivered(send: (conversationId: string, seq: number) => void, waitMs = 300) {
  const reached = new Map<string, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    timer = undefined
    for (const [conversationId, seq] of reached) send(conversationId, seq)
    reached.clear()
  }
  return {
    note(conversationId: string, seq: number) {
      reached.set(conversationId, Math.max(seq, reached.get(conversationId) ?? 0))
      timer ??= setTimeout(flush, waitMs)
    },
    close() {
      clearTimeout(timer)
    },
  }
}
