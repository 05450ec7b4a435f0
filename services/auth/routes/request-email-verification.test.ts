import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, sql, register, mails, tokenMailed } = await createWorld(import.meta.path, { MAIL_LIMIT: '2' })
const subject = 'Confirm your e-mail address'

test('202: another mail, a few an hour, none once confirmed', async () => {
  const person = await register()
  const token = await tokenMailed(person.user.email, subject)
  const ask = () => auth.as(person).api.v1.auth.email.verification.$post()
  expect((await ask()).status).toBe(202)
  await eventually(async () => expect(await mails(person.user.email)).toHaveLength(2))
  await auth.client.api.v1.auth.email.verify.$post({ json: { token } })
  expect((await ask()).status).toBe(202)
  await eventually(async () => expect(await sql`select id from mails`).toHaveLength(0))
  expect(await mails(person.user.email)).toHaveLength(2)
  await expectProblem(await ask(), 429, { code: 'limited', reason: 'too_many_attempts' })
})

test('401: without a token', async () => {
  await expectProblem(await auth.client.api.v1.auth.email.verification.$post(), 401, {
    code: 'unauthenticated',
  })
})
