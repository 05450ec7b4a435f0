import { setTimeout } from 'node:timers/promises'
import type { Log } from './log.ts'
import { isConnectionError } from './sql.ts'

/**
 * Repeats work with a pause between, whatever becomes of it; the answer ends it and waits for the last run. Work that
 * goes on step by step while there is more looks at the signal before each.
 */
export function every(
  pauseMs: number,
  log: Log,
  work: (signal: AbortSignal) => Promise<unknown>,
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  let failure: string | undefined
  const attempt = async () => {
    try {
      await work(signal)
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
    while (!signal.aborted) {
      await pause(pauseMs, signal)
      if (!signal.aborted) await attempt()
    }
  })()
  return async () => {
    stopping.abort()
    await loop
  }
}

/** Waits until the time has passed or the signal comes. A race with a promise that stays open would leave something of each wait in it. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal }).catch(() => undefined)
