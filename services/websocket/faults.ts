import type { Log } from '@plaza/kit/log'
import { unexpectedErrors } from '@plaza/kit/metrics'
import { ZodError } from 'zod'

const faults = [TypeError, RangeError, ReferenceError, SyntaxError, ZodError]

/**
 * Notes why work for a socket failed. An outage, of Redis above all, is nothing to report; an error that no outage
 * causes is a bug of ours, and counted as one behind a route is.
 */
export function noteFailure(log: Log, error: unknown, what: string): void {
  if (faults.some((fault) => error instanceof fault)) {
    unexpectedErrors.inc({ service: 'websocket' })
    log.error({ err: error, while: what }, 'unexpected error')
  } else log.debug({ err: error }, what)
}
