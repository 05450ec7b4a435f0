import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, sql, register, tokenMailed } = await createWorld(import.meta.path)

const send = (token: string) => auth.client.api.v1.auth.email.verify.$post({ json: { token } })

test('204: the address is confirmed, once', async () => {
  const person = await register()
  expect(person.user.emailVerified).toBe(false)
  const token = await tokenMailed(person.user.email, 'Confirm your e-mail address')
  expect((await send(token)).status).toBe(204)
  const [row] = await sql`select email_verified_at from users where id = ${person.user.id}`
  expect(row?.emailVerifiedAt).toBeDate()
  const me = await auth.as(person).api.v1.auth.me.$get()
  expect(await me.json()).toMatchObject({ emailVerified: true })
  await expectProblem(await send(token), 400, { code: 'invalid', reason: 'token_invalid' })
})

test('400: a token that is too old, or none', async () => {
  const person = await register()
  const token = await tokenMailed(person.user.email, 'Confirm your e-mail address')
  await sql`update one_time_tokens set expires_at = now() where user_id = ${person.user.id}`
  for (const bad of [token, 'A'.repeat(43), ''])
    await expectProblem(await send(bad), 400, { code: 'invalid' })
})
