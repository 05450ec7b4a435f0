import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, sql, register, createAdmin, eventsAbout, revocationOf } = await createWorld(import.meta.path)

const send = (person: { accessToken: string }, password: string) =>
  auth.as(person).api.v1.auth.me.$delete({ json: { password } })

test('202: a tombstone, no session, no log-in, and the event that starts the erasure', async () => {
  const person = await register()
  const answer = await send(person, person.password)
  expect(answer.status).toBe(202)
  const body = await answer.json()
  if (!('erasureId' in body)) throw new Error('there is no erasure')
  expect(answer.headers.get('location')).toBe(`/api/v1/auth/erasures/${body.erasureId}`)
  const [row] = await sql`select deleted_at from users where id = ${person.user.id}`
  expect(row?.deletedAt).toBeDate()
  const [session] = await sql`select end_reason from sessions where id = ${person.sessionId}`
  expect(session?.endReason).toBe('deletion')
  await expectProblem(await auth.as(person).api.v1.auth.me.$get(), 401, {
    code: 'unauthenticated',
    reason: 'revoked',
  })
  const json = { login: person.login, password: person.password }
  await expectProblem(await auth.client.api.v1.auth.login.$post({ json }), 401, {
    code: 'unauthenticated',
    reason: 'credentials_wrong',
  })
  await eventually(async () =>
    expect(await eventsAbout('user.deleted', person.user.id)).toMatchObject([
      { data: { userId: person.user.id } },
    ]),
  )
  expect(await revocationOf(person.user.id)).toMatchObject({ scope: 'user' })
})

test('403: a wrong password deletes nothing; 401: no token; 400: no password', async () => {
  const person = await register()
  await expectProblem(await send(person, 'wrong'), 403, { code: 'forbidden', reason: 'password_wrong' })
  await expectProblem(await send(person, ''), 400, { code: 'invalid' })
  await expectProblem(await auth.client.api.v1.auth.me.$delete({ json: { password: 'x' } }), 401, {
    code: 'unauthenticated',
  })
  expect((await auth.as(person).api.v1.auth.me.$get()).status).toBe(200)
})

test('409: the last admin stays', async () => {
  const admin = await createAdmin()
  await expectProblem(await send(admin, admin.password), 409, { code: 'conflict', reason: 'last_admin' })
  await createAdmin()
  expect((await send(admin, admin.password)).status).toBe(202)
})
