import { Problem } from './problem.ts'

type Options = { atOnce: number; waitMs: number }
type Waiting = { key: string; start(): void }

/**
 * Lets a few work at once, one for each key, so that the store's connections are left to others. Who waits for
 * longer than `waitMs` gets Problem unavailable.
 */
export function createTurns({ atOnce, waitMs }: Options) {
  const waiting = new Set<Waiting>()
  const running = new Set<string>()
  const startNext = () => {
    for (const next of waiting) {
      if (running.size >= atOnce) return
      if (running.has(next.key)) continue
      waiting.delete(next)
      running.add(next.key)
      next.start()
    }
  }
  const take = (key: string) =>
    new Promise<void>((resolve, reject) => {
      const giveUp = setTimeout(() => {
        waiting.delete(turn)
        reject(tooMany())
      }, waitMs)
      const start = () => {
        clearTimeout(giveUp)
        resolve()
      }
      const turn = { key, start }
      waiting.add(turn)
      startNext()
    })
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    await take(key)
    try {
      return await work()
    } finally {
      running.delete(key)
      startNext()
    }
  }
}

const tooMany = () =>
  new Problem('unavailable', 'Too much of this kind is under way', {
    reason: 'overloaded',
    retryAfterSeconds: 1,
  })
