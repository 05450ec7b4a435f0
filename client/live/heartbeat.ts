/** Whether anything comes by a line; one on which nothing does is dead. */
export type Heartbeat = {
  /** Begins to ask, twice in the time for which a line may be silent. */
  start(silentSeconds: number): void
  /** Something has come. */
  hear(): void
  stop(): void
}

const answerWithinMs = 5_000

export function createHeartbeat(ping: () => void, onDead: () => void): Heartbeat {
  let heardAt = Date.now()
  let isAsked = false
  let beats: ReturnType<typeof setInterval> | undefined
  let answering: ReturnType<typeof setTimeout> | undefined
  const beat = (silentMs: number) => {
    const now = Date.now()
    // A clock that was set back must not make a dead line look alive until it has caught up.
    heardAt = Math.min(heardAt, now)
    const isSilent = now - heardAt > silentMs
    if (isSilent && isAsked) return onDead()
    isAsked = true
    ping()
    // In a hidden tab beats come late, and after a sleep: nothing has come since nothing was asked.
    if (isSilent) answering = setTimeout(onDead, answerWithinMs)
  }
  return {
    start(silentSeconds) {
      beats = setInterval(beat, silentSeconds * 450, silentSeconds * 1_000)
    },
    hear() {
      heardAt = Date.now()
      isAsked = false
      clearTimeout(answering)
    },
    stop() {
      clearInterval(beats)
      clearTimeout(answering)
    },
  }
}
