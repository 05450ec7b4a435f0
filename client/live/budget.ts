import type { ClientFrame } from '../wire.ts'

/** What one socket may say, counted as the server counts it. */
export type Budget = {
  /** Counts a frame that goes in any case. */
  spend(frame: ClientFrame): void
  /** Counts a frame if there is room for it. */
  take(frame: ClientFrame): boolean
}

/** So many people watched cost the server as much as a frame. */
const watchedForAFrame = 10

/** Room for so many frames a minute, a fifth of them at once but one at the least. What was not used comes back with time, up to that. */
export function createBudget(perMinute: number, now = Date.now): Budget {
  const burst = Math.max(1, perMinute / 5)
  let left = burst
  let at = now()
  const refill = () => {
    const time = now()
    // A clock that was set back takes nothing away.
    const passedMs = Math.max(0, time - at)
    left = Math.min(burst, left + (passedMs / 60_000) * perMinute)
    at = time
  }
  const spend = (frame: ClientFrame) => {
    refill()
    left -= costOf(frame)
  }
  return {
    spend,
    take(frame) {
      refill()
      if (left < costOf(frame)) return false
      spend(frame)
      return true
    },
  }
}

const costOf = (frame: ClientFrame) =>
  frame.type === 'watch' ? 1 + Math.floor(frame.userIds.length / watchedForAFrame) : 1
