import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { pause } from './every.ts'
import type { Log } from './log.ts'
import type { Nats } from './nats.ts'
import { addOrUpdate, isAbsent } from './stream.ts'

export type Consumers = { stop(): Promise<void> }

type Options = {
  nats: Nats
  log: Log
  stream: string
  durable: string
  subjects: readonly string[]
  /** Handles messages in their order and acknowledges each. A throw means an outage when `isOutage` says so. */
  handle(messages: JsMsg[]): Promise<void>
  isOutage(error: unknown): boolean
  /** Rejects while what the handler needs is away. */
  healthy(): PromiseLike<unknown>
  maxBatch?: number
  maxPending?: number
  /** After so long without a sign of life a message comes again, as when a process was killed. */
  ackWaitMs?: number
}

const watchMs = 2_000
const patientMs = 10_000

/**
 * One durable consumer that outlives its broker: made again when the stream or the durable is lost,
 * paused while what its handler needs is away. Messages are handed over in batches, one batch at a time.
 */
export async function startConsumer(options: Options): Promise<Consumers> {
  const { nats, log, stream, durable } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let messages: ConsumerMessages | undefined
  let hasBegun = false

  const session = async () => {
    const created = await ensureConsumer(options)
    hasBegun = true
    const consumer = await nats.js.consumers.get(stream, durable)
    messages = await consumer.consume({ max_messages: options.maxPending ?? 500, expires: 5_000 })
    // The stop came before there was anything to stop.
    if (signal.aborted) messages.stop()
    const watchdog = watch(options, created, () => messages?.stop())
    try {
      await drainInBatches(messages, options)
    } finally {
      clearInterval(watchdog)
      messages.stop()
    }
  }

  let said: string | undefined
  const run = (async () => {
    while (!signal.aborted) {
      const begunAt = performance.now()
      try {
        await session()
      } catch (error) {
        if (signal.aborted) break
        if (performance.now() - begunAt > patientMs) said = undefined
        const expected = options.isOutage(error) || isAbsent(error) || !nats.connected()
        // At a first start the service whose stream it is may not have made it yet.
        const level = isAbsent(error) && !hasBegun ? 'debug' : expected ? 'info' : 'error'
        // The same failure again would say nothing new.
        if (String(error) !== said) log[level]({ err: error, durable }, 'consumer paused')
        said = String(error)
        await pause(500, signal)
        while (!signal.aborted && !(await isHealthy(options))) await pause(500, signal)
      }
    }
  })()

  return {
    async stop() {
      stopping.abort()
      messages?.stop()
      await run
    },
  }
}

async function drainInBatches(messages: ConsumerMessages, options: Options): Promise<void> {
  const { handle, maxBatch = 200 } = options
  // By their place in the stream, so that a message that comes again is held once.
  const waiting = new Map<number, JsMsg>()
  let batch = new Map<number, JsMsg>()
  let working: Promise<void> | undefined
  let failure: { error: unknown } | undefined
  const work = async () => {
    // One turn of the loop lets the messages of the same packet gather.
    await new Promise(setImmediate)
    while (waiting.size > 0 && !failure) {
      batch = takeFirst(waiting, maxBatch)
      await handle([...batch.values()])
      batch.clear()
    }
  }
  const start = () => {
    working ??= work()
      .catch((error) => {
        failure = { error }
        messages.stop()
      })
      .finally(() => {
        working = undefined
        // One may have come between the last look and this end.
        if (waiting.size > 0 && !failure) start()
      })
  }
  const held = () => [...batch.values(), ...waiting.values()]
  const holding = hold(held, options)
  try {
    for await (const message of messages) {
      if (isInHand(batch.get(message.seq))) continue
      waiting.set(message.seq, message)
      start()
    }
    while (working) await working
  } finally {
    clearInterval(holding)
  }
  if (!failure) return
  for (const message of held()) message.nak(1_000)
  throw failure.error
}

/** The client knows whether it has answered a message, but its type does not say so. */
const isInHand = (message: (JsMsg & { didAck?: boolean }) | undefined) => message?.didAck === false

/** Takes out the oldest entries, so many at most. */
function takeFirst(waiting: Map<number, JsMsg>, count: number): Map<number, JsMsg> {
  const taken = new Map([...waiting].slice(0, count))
  for (const seq of taken.keys()) waiting.delete(seq)
  return taken
}

/** Tells the broker in time that what is held here is not lost, so that it does not come again. */
function hold(held: () => JsMsg[], { nats, ackWaitMs = patientMs }: Options) {
  return setInterval(() => {
    // While the broker is away these would gather in memory.
    if (nats.connected()) for (const message of held()) message.working()
  }, ackWaitMs / 3)
}

/**
 * Makes the durable if it is not there, or brings its settings up to date, which leaves what it has read; answers when
 * it was made, by which a later one is told apart.
 */
async function ensureConsumer(options: Options): Promise<string> {
  const { nats, stream, durable, subjects, maxPending, ackWaitMs = patientMs } = options
  const settings = {
    filter_subjects: [...subjects],
    ack_wait: nanos(ackWaitMs),
    max_ack_pending: maxPending ?? 500,
  }
  const constant = {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_deliver: -1,
  }
  const { created } = await addOrUpdate(
    () => nats.jsm.consumers.add(stream, { ...constant, ...settings }),
    () => nats.jsm.consumers.update(stream, durable, settings),
  )
  return created
}

/**
 * A consumer whose stream was made anew stays silent without an error, and so does one from which an instance of an
 * earlier version has taken a subject, so it is compared with what it was.
 */
function watch({ nats, stream, durable, subjects }: Options, created: string, lost: () => void) {
  return setInterval(async () => {
    if (!nats.connected()) return
    try {
      const info = await nats.jsm.consumers.info(stream, durable)
      const filters = info.config.filter_subjects ?? [info.config.filter_subject]
      if (info.created !== created || subjects.some((subject) => !filters.includes(subject))) lost()
    } catch (error) {
      if (isAbsent(error)) lost()
    }
  }, watchMs)
}

async function isHealthy({ nats, healthy }: Options): Promise<boolean> {
  if (!nats.connected()) return false
  return await Promise.resolve(healthy()).then(
    () => true,
    () => false,
  )
}
