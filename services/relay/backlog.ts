import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import { isAbsent, readLastSequence } from '@plaza/kit/stream'

type Options = {
  nats: Nats
  log: Log
  /** The durable consumer of each stream, by the stream's name. */
  durables: ReadonlyMap<string, string>
}

const lookMs = 100

/** Watches how far consumers have come since the start, until they have passed what lay before them then. */
export function followBacklog({ nats, log, durables }: Options): {
  isOver(): boolean
  stop(): Promise<void>
} {
  const left = new Map(durables)
  const ends = new Map<string, number>()
  const look = async () => {
    if (!nats.connected()) return
    for (const [stream, durable] of left) {
      const end = ends.get(stream) ?? (await readLastSequence(nats, stream))
      ends.set(stream, end)
      if (end === 0 || (await hasPassed(nats, stream, durable, end))) left.delete(stream)
    }
    if (left.size === 0) void stop()
  }
  const stop = every(lookMs, log, look)
  return { isOver: () => left.size === 0, stop }
}

/** The last events may be none of the consumer's: then it has passed them when nothing is left for it. */
async function hasPassed(nats: Nats, stream: string, durable: string, end: number): Promise<boolean> {
  try {
    const { ack_floor, num_pending, num_ack_pending } = await nats.jsm.consumers.info(stream, durable)
    return ack_floor.stream_seq >= end || num_pending + num_ack_pending === 0
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}
