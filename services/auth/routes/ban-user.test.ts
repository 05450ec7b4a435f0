import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, register, createAdmin, revocationOf } = await createWorld(import.meta.path)

const send = (who: { accessToken: string }, userId: string, json: { reason: string; until?: string }) =>
  auth.as(who).api.v1.admin.users[':userId'].ban.$put({ param: { userId }, json })

test('200: every session ends at once, and nothing brings one back', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  const answer = await send(admin, person.user.id, { reason: 'spam' })
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ ban: { reason: 'spam', until: null } })
  await expectProblem(await auth.as(person).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  const json = { refreshToken: person.refreshToken }
  await expectProblem(await auth.client.api.v1.auth.refresh.$post({ json }), 401, { code: 'unauthenticated' })
  const [row] = await sql`select ban_reason from users where id = ${person.user.id}`
  expect(row?.banReason).toBe('spam')
  await eventually(async () => expect(await revocationOf(person.user.id)).toMatchObject({ scope: 'user' }))
})

test('a ban with an end runs out', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  const until = new Date(Date.now() + 3_600_000).toISOString()
  await send(admin, person.user.id, { reason: 'cool down', until })
  const json = { login: person.login, password: person.password }
  await expectProblem(await auth.client.api.v1.auth.login.$post({ json }), 403, {
    code: 'forbidden',
    reason: 'banned',
  })
  await sql`update users set banned_until = now() where id = ${person.user.id}`
  await logIn(auth, person)
})

test('403: nobody but an admin; 404: nobody to ban; 400: an end in the past; 409: the last admin', async () => {
  await sql`update users set role = 'user'`
  const [admin, person] = await Promise.all([createAdmin(), register()])
  await expectProblem(await send(person, admin.user.id, { reason: 'x' }), 403, { code: 'forbidden' })
  await expectProblem(await send(admin, crypto.randomUUID(), { reason: 'x' }), 404, { code: 'not_found' })
  const past = { reason: 'x', until: '2020-01-01T00:00:00Z' }
  await expectProblem(await send(admin, person.user.id, past), 400, { code: 'invalid', reason: 'until_past' })
  await expectProblem(await send(admin, admin.user.id, { reason: 'x' }), 409, {
    code: 'conflict',
    reason: 'last_admin',
  })
})
