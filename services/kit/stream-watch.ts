import { every } from './every.ts'
import type { Log } from './log.ts'
import type { Nats } from './nats.ts'
import { hasKept, republish } from './republish.ts'
import type { Sql } from './sql.ts'
import { ensureStream, isAbsent, isNearlyFull, makeRoom, readConsumed, type StreamSpec } from './stream.ts'

export type Watch = {
  /** Whether the streams are known to be whole; while they are not, nothing is published. */
  trusted(): boolean
  acknowledged(ack: { stream: string; seq: number }): void
  stop(): Promise<void>
}

type Seen = {
  created: string
  lastSequence: number
  consumedUntil: Date
  serverId: string | null
  checkedAt: Date
}
type Options = { sql: Sql; nats: Nats; log: Log; streams: readonly StreamSpec[]; everyMs?: number }
type Checking = Pick<Options, 'sql' | 'nats' | 'log'> & { signal: AbortSignal }

/**
 * Notices that the broker has lost a stream, which it does not say: the stream is gone, was made anew,
 * or ends before what it once acknowledged. It is made again then, and every kept event that some
 * consumer may not have seen is published again; consumers drop what they know. The last second before a
 * power failure it may lose without any such sign, so after each of its restarts the newest events are
 * published again.
 */
export async function watchStreams({ sql, nats, log, streams, everyMs = 2_000 }: Options): Promise<Watch> {
  const acked = new Map<string, number>()
  const settled = new Set<StreamSpec>()
  let trusted = false
  let checking: Promise<void> | undefined
  const stopping = new AbortController()
  const { signal } = stopping

  const checkAll = async () => {
    const restarted = new Map<StreamSpec, Date>()
    for (const spec of streams) {
      const since = await check({ sql, nats, log, signal }, spec, acked)
      if (since) restarted.set(spec, since)
      // An earlier version may have made it with other settings.
      if (!settled.has(spec)) await ensureStream(nats, spec)
      settled.add(spec)
    }
    trusted = true
    for (const [spec, since] of restarted) {
      await republish({ sql, nats, signal }, spec, since)
      await noteServer(sql, nats, spec)
    }
  }
  const checkOnce = () => {
    checking ??= checkAll()
      .catch((error) => {
        if (!signal.aborted) throw error
      })
      .finally(() => {
        checking = undefined
      })
    return checking
  }
  const stopDisconnect = nats.onDisconnect(() => {
    trusted = false
  })
  const stopReconnect = nats.onReconnect(
    () => void checkOnce().catch((error) => log.warn({ err: error }, 'streams unchecked')),
  )
  const stopChecking = every(everyMs, log, async () => {
    if (nats.connected()) await checkOnce()
  })
  if (nats.connected()) await checkOnce()

  return {
    trusted: () => trusted && nats.connected(),
    acknowledged({ stream, seq }) {
      if (seq > (acked.get(stream) ?? 0)) acked.set(stream, seq)
    },
    async stop() {
      stopDisconnect()
      stopReconnect()
      stopping.abort()
      await stopChecking()
    },
  }
}

/** Answers since when events have to be published again because the broker was restarted, if it was. */
async function check(
  { sql, nats, log, signal }: Checking,
  spec: StreamSpec,
  acked: Map<string, number>,
): Promise<Date | undefined> {
  const acknowledged = acked.get(spec.name) ?? 0
  const [seen] = await sql<Seen[]>`
    select created, last_sequence, consumed_until, server_id, checked_at
    from outbox_streams
    where stream = ${spec.name}`
  const found = await readStream(nats, spec.name)
  const emptied = Boolean(seen && found?.isEmptied && (await hasKept(sql, spec, seen.consumedUntil)))
  // A purge leaves the memory of message ids, by which the stream would drop what is published again.
  if (emptied) await nats.jsm.streams.delete(spec.name)
  const lost =
    seen &&
    (!found ||
      emptied ||
      found.created !== seen.created ||
      found.lastSequence < Math.max(seen.lastSequence, acknowledged))
  // An instance of an earlier version may have taken away what it does not know.
  const isNarrow = spec.subjects.some((subject) => !found?.subjects.includes(subject))
  if (!found || lost || !seen || isNarrow) await ensureStream(nats, spec)
  if (!found || lost || !seen) acked.delete(spec.name)
  const isKnown = Boolean(seen?.serverId?.split(' ').includes(serverIdOf(nats)))
  const now = found && !lost ? found : await readStream(nats, spec.name)
  if (!now) throw new Error(`stream ${spec.name} could not be made`)
  if (lost) {
    log.warn(
      { stream: spec.name, since: seen.consumedUntil },
      'the broker lost a stream: publishing again what it may have held',
    )
    // Whatever becomes of this process, the stream counts as lost until all of it is published again.
    await sql`update outbox_streams set created = '' where stream = ${spec.name}`
    await republish({ sql, nats, signal }, spec, seen.consumedUntil)
  }
  if (now.isNearlyFull) {
    const behind = await makeRoom(nats, spec.name)
    if (behind.length > 0)
      log.error({ stream: spec.name, behind }, 'a stream is nearly full of unread events')
  }
  await sql`
    insert into outbox_streams (stream, created, last_sequence, consumed_until)
    values (${spec.name}, ${now.created}, ${now.lastSequence}, now() - interval '2 days')
    on conflict (stream) do update
    set created = excluded.created,
      last_sequence = case
        when outbox_streams.created = excluded.created and not ${Boolean(lost)} then greatest(outbox_streams.last_sequence, excluded.last_sequence)
        else excluded.last_sequence
      end,
      -- From a server that was not seen before, the newest events are published again first, and these say since when.
      consumed_until = case
        when ${isKnown || Boolean(lost)} then coalesce(${await consumedUntil(nats, spec.name)}, outbox_streams.consumed_until)
        else outbox_streams.consumed_until
      end,
      checked_at = case when ${isKnown} then now() else outbox_streams.checked_at end`
  if (!seen || lost) await noteServer(sql, nats, spec)
  else if (!isKnown)
    return new Date(Math.max(seen.consumedUntil.getTime(), seen.checkedAt.getTime() - marginMs))
}

/** What a server calls itself from its start to its end. */
const serverIdOf = (nats: Nats): string => nats.connection.info?.server_id ?? ''

/** The servers seen last are kept, for the instances of a service may be at several of a cluster. */
const noteServer = (sql: Sql, nats: Nats, spec: StreamSpec) => sql`
  update outbox_streams
  set server_id = array_to_string(
      (array_prepend(${serverIdOf(nats)}::text, string_to_array(server_id, ' ')))[1:8],
      ' '
    ),
    checked_at = now()
  where stream = ${spec.name}`

async function readStream(nats: Nats, stream: string) {
  try {
    const info = await nats.jsm.streams.info(stream)
    const { created, config, state } = info
    return {
      created,
      subjects: config.subjects,
      lastSequence: state.last_seq,
      isEmptied: state.messages === 0 && state.last_seq > 0,
      isNearlyFull: isNearlyFull(info),
    }
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** The time before which every consumer of the stream has acknowledged every event; unknown when it has none. */
async function consumedUntil(nats: Nats, stream: string): Promise<Date | null> {
  const asked = new Date()
  const { state, seq, isEmpty } = await readConsumed(nats, stream)
  if (isEmpty) return null
  if (seq >= state.last_seq) return new Date(asked.getTime() - marginMs)
  const message = seq < state.first_seq ? null : await nats.jsm.streams.getMessage(stream, { seq })
  return message ? new Date(message.time.getTime() - marginMs) : null
}

/** A transaction may take this long between the time of its rows and their first publication. */
const marginMs = 30_000
