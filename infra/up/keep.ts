import { Failure, messageOf } from '../failure.ts'
import type { Part } from '../parts/part.ts'

/** A part that is brought back whenever it dies. */
export type Kept = {
  readonly name: string
  /** The process of now, or the last one while a new one is being started. */
  current(): Part
  /**
   * Stops it in its own clean way and starts it again; where it is dead or being started already, that start is
   * enough. Throws what the start throws, or Failure when it is stopped instead.
   */
  restart(): Promise<void>
  /** Stops it for good, even in the middle of a start. */
  stop(): Promise<void>
}

type Keep = {
  /** Takes its time as it must, but is given up when the signal says that nobody wants it any more. */
  start: (unwanted: AbortSignal) => Promise<Part>
  /** Called with one line about each death and return. */
  say: (text: string) => void
  /** Called whenever another process has taken over. */
  changed: () => void
}

const firstWaitMs = 100
const longestWaitMs = 10_000
/** Whoever lived this long died of something new. */
const healthyAfterMs = 20_000

/** Starts a part and keeps it running until it is stopped. Throws what the first start throws. */
export const keep = async ({ start, say, changed }: Keep): Promise<Kept> => {
  const stopping = new AbortController()
  const unwanted = stopping.signal
  let part = await start(unwanted)
  let restart: PromiseWithResolvers<void> | undefined
  let endPause = () => {}

  /** Every start but the first is made here, one after the other, so that no two processes are ever there. */
  const watch = async () => {
    for (let deaths = 0; ; deaths++) {
      const since = Date.now()
      await part.exited
      if (Date.now() - since > healthyAfterMs) deaths = 0
      if (!restart && !unwanted.aborted) await pause(deaths)
      if (unwanted.aborted) break
      await startAgain()
    }
    restart?.reject(stopped())
  }

  const pause = async (deaths: number) => {
    const wait = Math.min(firstWaitMs * 2 ** deaths, longestWaitMs)
    say(`${part.name} died, starting it again in ${wait / 1000} s`)
    const ended = new Promise<void>((resolve) => {
      endPause = resolve
    })
    await Promise.race([Bun.sleep(wait), ended])
  }

  const startAgain = async () => {
    try {
      part = await start(unwanted)
      if (unwanted.aborted) return await part.stop()
      if (!restart) say(`${part.name} is back`)
      changed()
      restart?.resolve()
    } catch (error) {
      if (restart) restart.reject(error)
      else say(messageOf(error))
    }
    restart = undefined
  }

  const stopped = () => new Failure(`${part.name} was stopped`)
  const watching = watch()
  return {
    name: part.name,
    current: () => part,
    restart: async () => {
      if (unwanted.aborted) throw stopped()
      if (!restart) {
        restart = Promise.withResolvers()
        endPause()
        part.stop()
      }
      return restart.promise
    },
    stop: async () => {
      stopping.abort()
      endPause()
      await part.stop()
      await watching
    },
  }
}
