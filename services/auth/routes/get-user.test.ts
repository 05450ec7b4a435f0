import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, deps, register } = await createWorld(import.meta.path)
const headers = await deps.serviceHeaders('user')

const send = (userId: string) =>
  auth.client.internal.v1.users[':userId'].$get({ param: { userId } }, { headers })

test('200: what other services may know', async () => {
  const { user } = await register()
  const answer = await send(user.id)
  expect(answer.status).toBe(200)
  const { id, username, role, createdAt } = user
  expect(await answer.json()).toEqual({ id, username, role, createdAt })
})

test('404: nobody, and somebody deleted; 400: no id; 401: not a service', async () => {
  const person = await register()
  await expectProblem(await send(crypto.randomUUID()), 404, { code: 'not_found' })
  await auth.as(person).api.v1.auth.me.$delete({ json: { password: person.password } })
  await expectProblem(await send(person.user.id), 404, { code: 'not_found' })
  await expectProblem(await send('x'), 400, { code: 'invalid' })
  const param = { userId: person.user.id }
  await expectProblem(await auth.client.internal.v1.users[':userId'].$get({ param }), 401, {
    code: 'unauthenticated',
  })
})
