import { expect, test } from 'bun:test'
import { createLog } from '@plaza/kit/log'
import { unexpectedErrors } from '@plaza/kit/metrics'
import { noteFailure } from './faults.ts'

const counted = async () => (await unexpectedErrors.get()).values.reduce((sum, { value }) => sum + value, 0)

test('an outage counts as nothing, a bug as an unexpected error', async () => {
  const log = createLog('silent')
  const before = await counted()
  noteFailure(log, new Error('Connection is closed.'), 'mailbox not read')
  expect(await counted()).toBe(before)
  noteFailure(log, new TypeError('undefined is not a function'), 'mailbox not read')
  expect(await counted()).toBe(before + 1)
  unexpectedErrors.reset()
})
