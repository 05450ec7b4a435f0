import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, register, revocationOf } = await createWorld(import.meta.path)

test('204: the named device is logged out, this one goes on', async () => {
  const person = await register()
  const other = await logIn(auth, person)
  const param = { sessionId: other.sessionId }
  expect((await auth.as(person).api.v1.auth.sessions[':sessionId'].$delete({ param })).status).toBe(204)
  await expectProblem(await auth.as(other).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  expect((await auth.as(person).api.v1.auth.me.$get()).status).toBe(200)
  const [row] = await sql`select end_reason from sessions where id = ${other.sessionId}`
  expect(row?.endReason).toBe('logout')
  await eventually(async () =>
    expect(await revocationOf(other.sessionId)).toMatchObject({ scope: 'session', id: other.sessionId }),
  )
  await expectProblem(await auth.as(person).api.v1.auth.sessions[':sessionId'].$delete({ param }), 404, {
    code: 'not_found',
  })
})

test("404: somebody else's device, which goes on", async () => {
  const [person, stranger] = await Promise.all([register(), register()])
  const param = { sessionId: person.sessionId }
  await expectProblem(await auth.as(stranger).api.v1.auth.sessions[':sessionId'].$delete({ param }), 404, {
    code: 'not_found',
  })
  expect((await auth.as(person).api.v1.auth.me.$get()).status).toBe(200)
})

test('400: no id; 401: no token', async () => {
  const person = await register()
  const param = { sessionId: 'x' }
  await expectProblem(await auth.as(person).api.v1.auth.sessions[':sessionId'].$delete({ param }), 400, {
    code: 'invalid',
  })
  await expectProblem(
    await auth.client.api.v1.auth.sessions[':sessionId'].$delete({ param: { sessionId: person.sessionId } }),
    401,
    { code: 'unauthenticated' },
  )
})
