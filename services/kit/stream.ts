import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import type { Nats } from './nats.ts'

/** A stream that a service owns: only that service publishes to its subjects. */
export type StreamSpec = { name: string; subjects: readonly string[] } & Partial<StreamConfig>

const dayMs = 86_400_000

/**
 * Makes the stream, or brings its settings up to date. Events are kept three days and up to 1 GiB: Postgres is the
 * truth. A full stream refuses events, which then wait in the outbox: by itself it would drop the oldest, read or not.
 */
export async function ensureStream(nats: Nats, spec: StreamSpec): Promise<void> {
  const config = {
    max_age: nanos(3 * dayMs),
    max_bytes: 1 << 30,
    discard: DiscardPolicy.New,
    duplicate_window: nanos(120_000),
    ...spec,
    subjects: [...spec.subjects],
  }
  await addOrUpdate(
    () => nats.jsm.streams.add(config),
    () => nats.jsm.streams.update(spec.name, config),
  )
}

/** Adds a stream or a consumer to the broker, or updates the one that is there with other settings. */
export async function addOrUpdate<Info>(
  add: () => Promise<Info>,
  update: () => Promise<Info>,
): Promise<Info> {
  try {
    return await add()
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error
    return await update().catch((refused) => {
      // It is not there, so what was wrong with adding it is the reason.
      throw isAbsent(refused) ? error : refused
    })
  }
}

/** Whether the broker says that it has no such stream or consumer. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound)

/** How far all durable consumers of a stream have read; its end when nothing waits for any of them. */
export async function readConsumed(nats: Nats, stream: string) {
  const { state } = await nats.jsm.streams.info(stream)
  const durables = (await Array.fromAsync(nats.jsm.consumers.list(stream))).filter(
    (consumer) => consumer.config.durable_name,
  )
  const behind = durables.filter((one) => one.num_pending > 0 || one.num_ack_pending > 0)
  const seq = Math.min(state.last_seq, ...behind.map((one) => one.ack_floor.stream_seq))
  return { state, seq, isEmpty: durables.length === 0, behind: behind.map((one) => one.name) }
}

export const isNearlyFull = ({ config, state }: StreamInfo): boolean =>
  config.max_bytes > 0 && state.bytes > config.max_bytes * 0.75

/**
 * Lets the oldest events go that everybody has read; half of the stream stays, for mailboxes that have to be filled
 * again. Answers who keeps it full when nothing can go. It goes by a place, since what is to be kept would be
 * counted from an end that moves on meanwhile.
 */
export async function makeRoom(nats: Nats, stream: string): Promise<string[]> {
  const { state, seq, behind } = await readConsumed(nats, stream)
  const upTo = Math.min(seq + 1, state.first_seq + Math.ceil(state.messages / 2))
  if (upTo <= state.first_seq) return behind
  await nats.jsm.streams.purge(stream, { seq: upTo })
  return []
}

/** The place of a stream's last message; 0 for a stream that was never made, too. */
export async function readLastSequence(nats: Nats, stream: string): Promise<number> {
  try {
    return (await nats.jsm.streams.info(stream)).state.last_seq
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}
