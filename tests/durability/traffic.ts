import type { Someone } from '../people.ts'
import { verifyPair } from './history.ts'
import { anotherDevice, newPair, type Pair } from './pair.ts'
import { createWriter, whisperIn } from './writer.ts'

export type Traffic = {
  pairs: readonly Pair[]
  /** Somebody who writes nothing, is away between `leave` and `verify`, and whose device keeps its place. */
  absent: Someone
  leave(): Promise<void>
  /**
   * Has the absent one's friend write, edit and delete something. Nobody else writes there, so no later message
   * shows that something is missing. Resolves when all of it is acknowledged.
   */
  whisper(): Promise<void>
  /** Resolves when every writer has had so many more messages acknowledged. */
  flow(messages: number): Promise<void>
  /**
   * Has everybody finish, and brings the absent one back. Throws unless all that was acknowledged is in the
   * history once, and every device was told all of it once and in order, as it is after edits and deletions.
   */
  verify(): Promise<void>
  stop(): Promise<void>
}

/** What lets clients send as much as they like by socket; for `startPlaza`. */
export const withoutBudgets = {
  FRAMES_PER_MINUTE: '1000000',
  FRAMES_BURST: '1000000',
  BYTES_PER_MINUTE: '1000000000',
  BYTES_BURST: '1000000000',
}

/** Has three pairs of people write to each other without end. */
export async function startTraffic(url: string): Promise<Traffic> {
  const pairs = await Promise.all([1, 2, 3].map((number) => newPair(url, number)))
  const quiet = await newPair(url, 4)
  const absent = quiet.bySocket
  const secondDevices = await Promise.all(pairs.slice(0, 1).map((pair) => anotherDevice(url, pair)))
  const people = [...pairs, quiet].flatMap(({ bySocket, byRest }) => [bySocket, byRest])
  const devices = [...people.map(({ client }) => client), ...secondDevices]
  await Promise.all(devices.map((client) => client.connect()))

  const writers = pairs.flatMap((pair) =>
    [pair.bySocket, pair.byRest].map((person) => createWriter(pair, person)),
  )
  const resume = () => {
    for (const writer of writers) writer.start()
  }
  const failed = Promise.race(writers.map((writer) => writer.failed))
  failed.catch(() => undefined)
  return {
    pairs,
    absent,
    leave: () => absent.client.disconnect(),
    whisper: () => whisperIn(quiet),
    async flow(messages) {
      resume()
      await Promise.race([failed, Promise.all(writers.map((writer) => writer.more(messages)))])
    },
    async verify() {
      await Promise.race([failed, Promise.all(writers.map((writer) => writer.pause()))])
      await absent.client.connect()
      for (const pair of [...pairs, quiet]) await verifyPair(pair)
    },
    async stop() {
      await Promise.all(devices.map((client) => client.close()))
      for (const writer of writers) writer.end()
    },
  }
}
