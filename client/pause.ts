/** How long to wait before try number `attempt` (0 is the first repeat): random, so that many clients do not return at once. */
export const backOff = (attempt: number, capMs = 5_000): number =>
  Math.random() * Math.min(capMs, 200 * 2 ** attempt) + 50

/** Waits; returns early, without an error, when the signal ends the wait. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal?.addEventListener('abort', finish)
  })
