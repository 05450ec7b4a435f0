import { afterAll, expect, test } from 'bun:test'
import { Problem } from '@plaza/kit/problem'
import { createPasswordStrength } from './password-strength.ts'
import { password } from './tests/_world.ts'

const config = { PASSWORD_MIN_SCORE: 3, JUDGE_QUEUE_LIMIT: 2, JUDGE_TIMEOUT_SECONDS: 30 }
const strength = createPasswordStrength(config)
afterAll(() => strength.stop())

const outcome = (judged: Promise<void>) =>
  judged.then(
    () => 'strong',
    (error) => (error instanceof Problem ? (error.options.reason ?? error.code) : String(error)),
  )
const judge = (judges = strength, text = password) =>
  outcome(
    judges.assertStrong({ password: text, field: 'password', username: 'ada', email: 'ada@example.org' }),
  )

test('beyond the bounded queue of passwords to judge the answer is busy, and those within it are judged', async () => {
  const waiting = [judge(), judge(strength, 'password1'), judge(), judge()]
  expect(await Promise.all(waiting)).toEqual(['strong', 'password_weak', 'busy', 'busy'])
  expect(await judge()).toBe('strong')
})

test('a judgement that takes too long is given up', async () => {
  // No worker is ready within a millisecond.
  const hasty = createPasswordStrength({ ...config, JUDGE_TIMEOUT_SECONDS: 0.001 })
  expect(await Promise.all([judge(hasty), judge(hasty)])).toEqual(['busy', 'busy'])
  hasty.stop()
})

test('whoever waits when the service stops is told so', async () => {
  const stopping = createPasswordStrength(config)
  const waiting = [judge(stopping), judge(stopping)]
  stopping.stop()
  expect(await Promise.all(waiting)).toEqual(['unavailable', 'unavailable'])
})
