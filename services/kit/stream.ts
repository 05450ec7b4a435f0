import { JetStreamApiCodes, JetStreamApiError, type StreamConfig } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import type { Nats } from './nats.ts'

/** A stream that a service owns: only that service publishes to its subjects. */
export type StreamSpec = { name: string; subjects: readonly string[] } & Partial<StreamConfig>

const dayMs = 86_400_000

/** Makes the stream, or brings its settings up to date. Events are kept three days and up to 1 GiB: Postgres is the truth. */
export async function ensureStream(nats: Nats, spec: StreamSpec): Promise<void> {
  const config = {
    max_age: nanos(3 * dayMs),
    max_bytes: 1 << 30,
    duplicate_window: nanos(120_000),
    ...spec,
    subjects: [...spec.subjects],
  }
  try {
    await nats.jsm.streams.add(config)
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error
    await nats.jsm.streams.update(spec.name, config)
  }
}

/** Whether the broker says that it has no such stream or consumer. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound)

/** The place of a stream's last message; 0 for a stream that was never made, too. */
export async function readLastSequence(nats: Nats, stream: string): Promise<number> {
  try {
    return (await nats.jsm.streams.info(stream)).state.last_seq
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}
