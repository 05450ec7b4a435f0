import { expect, test } from 'bun:test'
import { createWorld, expectProblem, logIn, password } from './_world.ts'

const { auth, sql, start } = await createWorld(import.meta.path)

test('names from before looks were kept go on logging in, and nobody takes their looks any more', async () => {
  const register = (username: string) =>
    auth.client.api.v1.auth.register.$post({
      json: { username, email: `u${crypto.randomUUID()}@example.org`, password },
    })
  expect((await register('TOMEK')).status).toBe(201)
  await sql`delete from username_looks`
  expect((await register('ТОМЕК')).status).toBe(201)
  await sql`delete from username_looks`
  const next = await start()
  for (const login of ['tomek', 'томек']) expect(await logIn(next, { login, password })).toBeTruthy()
  await expectProblem(await register('T0MEK'), 409, {
    code: 'conflict',
    reason: 'username_taken',
  })
  await next.stop()
})
