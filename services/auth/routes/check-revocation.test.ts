import { expect, test } from 'bun:test'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import { createWorld, expectProblem, logIn, type Person } from '../tests/_world.ts'

const { auth, deps, register } = await createWorld(import.meta.path)
const headers = await deps.serviceHeaders('message')

const send = (json: { userId: string; sessionId: string; issuedAt: number }) =>
  auth.client.internal.v1.revocations.check.$post({ json }, { headers })
const facts = ({ user, sessionId, accessToken }: Person) => ({
  userId: user.id,
  sessionId,
  issuedAt: decodeJwt(accessToken).iat ?? 0,
})
const isRevoked = async (person: Person) => {
  const answer = await send(facts(person))
  expect(answer.status).toBe(200)
  return z.object({ revoked: z.boolean() }).parse(await answer.json()).revoked
}

test('200: the database knows who is logged in, who was logged out, and who never was', async () => {
  const person = await register()
  const other = await logIn(auth, person)
  expect(await isRevoked(person)).toBe(false)
  await auth.as(other).api.v1.auth.logout.$post()
  expect([await isRevoked(person), await isRevoked(other)]).toEqual([false, true])
  const stranger = await register()
  expect(await isRevoked({ ...person, user: stranger.user })).toBe(true)
  await auth.as(person).api.v1.auth['logout-everywhere'].$post()
  expect(await isRevoked(person)).toBe(true)
  expect(await isRevoked(await logIn(auth, person))).toBe(false)
})

test('400: no facts; 401: not a service', async () => {
  const person = await register()
  await expectProblem(await send({ userId: 'x', sessionId: 'y', issuedAt: 0 }), 400, { code: 'invalid' })
  const asUser = auth.as(person).internal.v1.revocations.check.$post({ json: facts(person) })
  await expectProblem(await asUser, 401, { code: 'unauthenticated' })
})
