import pino from 'pino'

export type Log = pino.Logger

/**
 * The process's log: one JSON object a line on standard output. Tokens, passwords and message texts
 * never belong in a field; the names that would hold them are redacted all the same.
 */
export const createLog = (level: string): Log =>
  pino({
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
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
    ],
  })
