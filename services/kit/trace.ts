/** W3C Trace Context, level 1: where a request or event comes from. */
export type Trace = { traceparent: string; traceId: string; sampled: boolean }

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** The trace that a `traceparent` header continues, or a new unsampled one when the header is absent or malformed. */
export function readTrace(header: string | null | undefined): Trace {
  const match = header ? form.exec(header) : null
  const [, traceId, , flags] = match ?? []
  if (header && traceId && flags)
    return { traceparent: header, traceId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
  const fresh = Bun.randomUUIDv7().replaceAll('-', '')
  return { traceparent: `00-${fresh}-${fresh.slice(16)}-00`, traceId: fresh, sampled: false }
}
