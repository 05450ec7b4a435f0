import pino from 'pino'
import { originNow } from './trace.ts'

export type Log = pino.Logger

/** Errors of Redis's client carry the command with its values, those of Postgres the row that was refused. */
const carriedByErrors = ['err.command', 'err.detail', 'err.where', 'err.query', 'err.parameters', 'err.args']

/**
 * The process's log: one JSON object a line on standard output, with the request that it is about.
 * Tokens, passwords and message texts never belong in a field; the names that would hold them are redacted all the same.
 */
export const createLog = (level: string, destination?: pino.DestinationStream): Log =>
  pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: describeOrigin,
      // What the line tells comes first.
      mixinMergeStrategy: (fields, origin) => ({ ...fields, ...origin }),
      formatters: { level: (label) => ({ level: label }) },
      redact: [
        'password',
        'token',
        'refreshToken',
        'accessToken',
        'authorization',
        'text',
        'envelope',
        '*.password',
        ...carriedByErrors,
      ],
    },
    destination,
  )

function describeOrigin() {
  const origin = originNow()
  return origin ? { requestId: origin.requestId, traceId: origin.trace.traceId } : {}
}
