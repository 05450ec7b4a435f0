import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, start, register, mails, revocationOf } = await createWorld(import.meta.path)
const newPassword = 'seven quiet walruses hum'

test('204: the new password is good, the old is not, other devices are out, this one goes on, a mail tells', async () => {
  const person = await register()
  const other = await logIn(auth, person)
  const json = { currentPassword: person.password, newPassword }
  expect((await auth.as(person).api.v1.auth.password.change.$post({ json })).status).toBe(204)
  expect((await auth.as(person).api.v1.auth.me.$get()).status).toBe(200)
  await expectProblem(await auth.as(other).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  await logIn(auth, { ...person, password: newPassword })
  const old = { login: person.login, password: person.password }
  await expectProblem(await auth.client.api.v1.auth.login.$post({ json: old }), 401, {
    code: 'unauthenticated',
  })
  const [row] = await sql`select end_reason from sessions where id = ${other.sessionId}`
  expect(row?.endReason).toBe('password')
  await eventually(async () =>
    expect(await revocationOf(other.sessionId)).toMatchObject({ scope: 'session' }),
  )
  await eventually(async () => expect((await mails(person.user.email)).join()).toContain('was changed'))
})

test('400: a weak new password; 401: no token; 403: a wrong old one', async () => {
  const person = await register()
  const change = auth.as(person).api.v1.auth.password.change
  const weak = { currentPassword: person.password, newPassword: 'password123' }
  const refused = await change.$post({ json: weak })
  expect(await refused.clone().json()).toMatchObject({ errors: [{ path: 'json.newPassword' }] })
  await expectProblem(refused, 400, { code: 'invalid', reason: 'password_weak' })
  const wrong = { currentPassword: 'wrong', newPassword }
  await expectProblem(await change.$post({ json: wrong }), 403, {
    code: 'forbidden',
    reason: 'password_wrong',
  })
  await expectProblem(await auth.client.api.v1.auth.password.change.$post({ json: wrong }), 401, {
    code: 'unauthenticated',
  })
})

test('of two changes at the same time one wins, and says which', async () => {
  const person = await register()
  const passwords = ['seven quiet walruses hum', 'eleven loud gibbons sing']
  const answers = await Promise.all(
    passwords.map((newPassword) =>
      auth.as(person).api.v1.auth.password.change.$post({
        json: { currentPassword: person.password, newPassword },
      }),
    ),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
  const winner = answers.findIndex(({ status }) => status === 204)
  await logIn(auth, { ...person, password: passwords[winner] ?? '' })
})

test('429: more than a few an hour, whether they succeed or not', async () => {
  const narrow = await start({ PASSWORD_CHANGE_LIMIT: '2' })
  const person = await register(narrow)
  const change = narrow.as(person).api.v1.auth.password.change
  const same = { currentPassword: person.password, newPassword: person.password }
  for (const _time of [1, 2]) expect((await change.$post({ json: same })).status).toBe(204)
  await expectProblem(await change.$post({ json: same }), 429, {
    code: 'limited',
    reason: 'too_many_attempts',
  })
})
