/**
 * Cursors in the order they came. One counts as done when it and all before it are, so that what is
 * acknowledged has been told, even while a message waits for the one before it.
 */
export type Acks = {
  /**
   * Takes a cursor in; calling the answer says that its event has been told. What came without one holds back those
   * after it all the same.
   */
  take(cursor?: string): () => void
  /** Ends all notes of what is still under way. */
  close(): void
}

export function createAcks(onDone: (cursor: string) => void): Acks {
  const waiting: { cursor: string | undefined; done: boolean }[] = []
  let closed = false
  return {
    take(cursor) {
      const entry = { cursor, done: false }
      waiting.push(entry)
      return () => {
        entry.done = true
        let last: string | undefined
        while (waiting[0]?.done) last = waiting.shift()?.cursor ?? last
        if (last !== undefined && !closed) onDone(last)
      }
    },
    close() {
      closed = true
    },
  }
}
