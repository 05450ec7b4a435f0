import type { Log } from './log.ts'
import { isConnectionError } from './sql.ts'

/** Repeats work with a pause between, whatever becomes of it; the answer ends it and waits for the last run. */
export function every(pauseMs: number, log: Log, work: () => Promise<unknown>): () => Promise<void> {
  const stopped = Promise.withResolvers<void>()
  let running = true
  let failure: string | undefined
  const attempt = async () => {
    try {
      await work()
      if (failure !== undefined) log.info({ was: failure }, 'a periodic job works again')
      failure = undefined
    } catch (error) {
      // The same failure again would say nothing new.
      if (isConnectionError(error) || String(error) === failure) return
      failure = String(error)
      log.warn({ err: error }, 'a periodic job failed; it runs again')
    }
  }
  const loop = (async () => {
    while (running) {
      await Promise.race([Bun.sleep(pauseMs), stopped.promise])
      if (running) await attempt()
    }
  })()
  return async () => {
    running = false
    stopped.resolve()
    await loop
  }
}
