import type { Log } from './log.ts'
import { isConnectionError } from './sql.ts'

/** Repeats work with a pause between, whatever becomes of it; the answer ends it and waits for the last run. */
export function every(pauseMs: number, log: Log, work: () => Promise<unknown>): () => Promise<void> {
  const stopped = Promise.withResolvers<void>()
  let running = true
  const loop = (async () => {
    while (running) {
      await Promise.race([Bun.sleep(pauseMs), stopped.promise])
      if (!running) return
      await work().catch((error) => {
        if (!isConnectionError(error)) log.warn({ err: error }, 'a periodic job failed; it runs again')
      })
    }
  })()
  return async () => {
    running = false
    stopped.resolve()
    await loop
  }
}
