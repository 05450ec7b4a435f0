import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn, type Person } from '../tests/_world.ts'

const { auth, sql, register, revocationOf, tokenMailed } = await createWorld(import.meta.path)
const newPassword = 'seven quiet walruses hum'

const send = (token: string, password = newPassword) =>
  auth.client.api.v1.auth.password.reset.$post({ json: { token, newPassword: password } })

async function askForToken({ user: { email } }: Person) {
  await auth.client.api.v1.auth.password.forgot.$post({ json: { email } })
  return await tokenMailed(email, 'Choose a new password')
}

test('204: the password is new, every session ends, and the token is spent', async () => {
  const person = await register()
  const token = await askForToken(person)
  expect((await send(token)).status).toBe(204)
  await expectProblem(await auth.as(person).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  const again = await logIn(auth, { ...person, password: newPassword })
  // The mail was read by its owner, so the address is proved as well.
  expect(again.user.emailVerified).toBe(true)
  const [row] = await sql`select end_reason from sessions where id = ${person.sessionId}`
  expect(row?.endReason).toBe('password')
  await eventually(async () => expect(await revocationOf(person.user.id)).toMatchObject({ scope: 'user' }))
  await expectProblem(await send(token), 400, { code: 'invalid', reason: 'token_invalid' })
})

test('a token sent twice at the same time is good once', async () => {
  const token = await askForToken(await register())
  const answers = await Promise.all([send(token), send(token), send(token)])
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400])
})

test('a weak password leaves the token good', async () => {
  const token = await askForToken(await register())
  await expectProblem(await send(token, 'password123'), 400, { code: 'invalid', reason: 'password_weak' })
  expect((await send(token)).status).toBe(204)
})

test('400: a token that is too old, for something else, or none', async () => {
  const person = await register()
  const token = await askForToken(person)
  await sql`update one_time_tokens set expires_at = now() where purpose = 'reset_password'`
  const other = await tokenMailed(person.user.email, 'Confirm your e-mail address')
  for (const bad of [token, other, 'A'.repeat(43), 'x'])
    await expectProblem(await send(bad), 400, { code: 'invalid' })
})
