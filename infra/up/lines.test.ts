import { expect, test } from 'bun:test'
import { clock, readable } from './lines.ts'

test('a log entry becomes a line that a person can read', () => {
  const time = '2026-11-21T08:00:01.500Z'
  const entry = { level: 'warn', time, pid: 7, service: 'message', msg: 'slow', ms: 12, traceId: 'abc' }
  expect(readable(JSON.stringify(entry))).toBe(
    `${clock(new Date(time))} warn  message   slow ms=12 traceId=abc`,
  )
})

test('an error shows its message', () => {
  const entry = { level: 50, time: 0, service: 'auth', msg: 'unexpected error', err: { message: 'no\nway' } }
  expect(readable(JSON.stringify(entry))).toEndWith('error auth      unexpected error error="no\\nway"')
})

test.each(['plain text', '{"not":"an entry"}', '{broken'])('%s stays as it is', (line) => {
  expect(readable(line)).toBe(line)
})
