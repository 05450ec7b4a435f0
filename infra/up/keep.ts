import { messageOf } from '../failure.ts'
import type { Part } from '../parts/part.ts'

/** A part that is brought back whenever it dies. */
export type Kept = {
  readonly name: string
  /** The process of now, or the last one while a new one is being started. */
  current(): Part
  /** Stops it in its own clean way and starts it again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

type Keep = {
  start: () => Promise<Part>
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
  let part = await start()
  let restarting: Promise<void> | undefined
  const stopped = Promise.withResolvers<void>()
  let wanted = true

  const watch = async () => {
    for (let deaths = 0; wanted; deaths++) {
      const since = Date.now()
      await part.exited
      if (restarting) await restarting.catch(() => undefined)
      else if (wanted) {
        if (Date.now() - since > healthyAfterMs) deaths = 0
        const wait = Math.min(firstWaitMs * 2 ** deaths, longestWaitMs)
        say(`${part.name} died, starting it again in ${wait / 1000} s`)
        await Promise.race([Bun.sleep(wait), stopped.promise])
        if (wanted) await startAgain()
      }
    }
  }

  const startAgain = async () => {
    try {
      part = await start()
      if (!wanted) return await part.stop()
      say(`${part.name} is back`)
      changed()
    } catch (error) {
      say(messageOf(error))
    }
  }

  const watching = watch()
  return {
    name: part.name,
    current: () => part,
    restart: () => {
      restarting ??= (async () => {
        await part.stop()
        part = await start()
        changed()
      })().finally(() => {
        restarting = undefined
      })
      return restarting
    },
    stop: async () => {
      wanted = false
      stopped.resolve()
      await part.stop()
      await watching
    },
  }
}
