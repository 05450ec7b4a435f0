import { expect, test } from 'bun:test'
import { Me } from '../schema.ts'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, register } = await createWorld(import.meta.path)

test('200: my account', async () => {
  const person = await register()
  const answer = await auth.as(person).api.v1.auth.me.$get()
  expect(answer.status).toBe(200)
  expect(Me.parse(await answer.json())).toEqual(person.user)
})

test('401: without a token, or with one that is none', async () => {
  await expectProblem(await auth.client.api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  await expectProblem(await auth.as({ accessToken: 'x.y.z' }).api.v1.auth.me.$get(), 401, {
    code: 'unauthenticated',
    reason: 'token_invalid',
  })
})
