import { AsyncLocalStorage } from 'node:async_hooks'
import { z } from 'zod'

/** W3C Trace Context, level 1: where a request or event comes from. */
export type Trace = { traceparent: string; traceId: string; sampled: boolean }

/** On whose behalf something runs: a request, or an event of one. */
export type Origin = { trace: Trace; requestId?: string }

/** Ids of zeros alone name nothing. */
const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/
const current = new AsyncLocalStorage<Origin>()

/** A `traceparent` in a body or a frame; one that is malformed is as good as none. */
export const Traceparent = z.string().max(64).meta({
  description: 'W3C Trace Context; where it is sampled, the events that this leads to name it',
})

/** The trace that a `traceparent` header continues, or a new unsampled one when the header is absent or malformed. */
export function readTrace(header: string | null | undefined): Trace {
  const match = header ? form.exec(header) : null
  const [, traceId, , flags] = match ?? []
  if (header && traceId && flags)
    return { traceparent: header, traceId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
  const fresh = Bun.randomUUIDv7().replaceAll('-', '')
  return { traceparent: `00-${fresh}-${fresh.slice(16)}-00`, traceId: fresh, sampled: false }
}

/** Runs work on behalf of an origin: what it calls, emits and logs carries the trace on. */
export const runFor = <T>(origin: Origin, work: () => T): T => current.run(origin, work)

/** On whose behalf this runs; undefined for the system's own work, and for what many share, such as a batch. */
export const originNow = (): Origin | undefined => current.getStore()

/** Runs what many origins share. */
export const runForNobody = <T>(work: () => T): T => current.exit(work)

/** The trace that an event has to name: that of a sampled request. */
export function sampledTraceparent(): string | undefined {
  const trace = originNow()?.trace
  return trace?.sampled ? trace.traceparent : undefined
}

/** Adds to a call what lets the called service tell of the same request. */
export function carryOrigin(headers: Headers): void {
  const origin = originNow()
  if (!origin) return
  headers.set('traceparent', origin.trace.traceparent)
  if (origin.requestId) headers.set('x-request-id', origin.requestId)
}
