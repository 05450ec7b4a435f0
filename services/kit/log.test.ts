import { expect, test } from 'bun:test'
import { createLog } from './log.ts'
import { Problem } from './problem.ts'

function logged(fields: object): string {
  const lines: string[] = []
  createLog('info', { write: (line) => lines.push(line) }).error(fields, 'it failed')
  return lines.join('')
}

const withFields = (fields: object) => Object.assign(new Error('no'), fields)

test('a line is JSON with its level by name and its time', () => {
  expect(JSON.parse(logged({ userId: 'ada' }))).toMatchObject({
    level: 'error',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    userId: 'ada',
    msg: 'it failed',
  })
})

test.each([
  ['a password', { password: 'secret' }],
  ['a password within something', { body: { password: 'secret' } }],
  ['a token', { token: 'secret' }],
  ['a text', { text: 'secret' }],
  ['the command of an error of Redis', { err: withFields({ command: { args: ['secret'] } }) }],
  [
    'the command behind a problem',
    { err: new Problem('unavailable', 'no', { cause: withFields({ command: { args: ['secret'] } }) }) },
  ],
  [
    'the row behind a problem',
    { err: new Problem('unavailable', 'no', { cause: withFields({ detail: 'contains secret' }) }) },
  ],
  ['the row of an error of Postgres', { err: withFields({ detail: 'contains secret' }) }],
])('%s never stands in it', (_what, fields) => {
  expect(logged(fields)).not.toContain('secret')
})
