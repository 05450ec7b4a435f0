import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, register } = await createWorld(import.meta.path)

test('200: a good token, and whose it is', async () => {
  const person = await register()
  const answer = await auth.as(person).api.v1.auth['validate-token'].$get()
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ valid: true, user: person.user })
})

test('401: any other', async () => {
  await expectProblem(await auth.as({ accessToken: 'x' }).api.v1.auth['validate-token'].$get(), 401, {
    code: 'unauthenticated',
  })
})
