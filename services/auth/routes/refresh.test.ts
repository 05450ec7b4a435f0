import { expect, test } from 'bun:test'
import { Session } from '../schema.ts'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, sql, register } = await createWorld(import.meta.path)

const send = (refreshToken: string) => auth.client.api.v1.auth.refresh.$post({ json: { refreshToken } })

test('200: a new pair of tokens for the same session', async () => {
  const person = await register()
  const answer = await send(person.refreshToken)
  expect(answer.status).toBe(200)
  const session = Session.parse(await answer.json())
  expect(session.sessionId).toBe(person.sessionId)
  expect(session.refreshToken).not.toBe(person.refreshToken)
  expect(session.accessToken).not.toBe(person.accessToken)
  const me = await auth.as(session).api.v1.auth.me.$get()
  expect(me.status).toBe(200)
})

test('400: what is no token; 401: a token that was never given', async () => {
  await expectProblem(await send('nonsense'), 400, { code: 'invalid' })
  await expectProblem(await send('A'.repeat(43)), 401, {
    code: 'unauthenticated',
    reason: 'refresh_token_invalid',
  })
})

test('401: a session that was not used for long, or began too long ago', async () => {
  const [idle, old] = await Promise.all([register(), register()])
  await sql`update sessions set refreshed_at = now() - interval '31 days' where id = ${idle.sessionId}`
  await sql`update sessions set expires_at = now() where id = ${old.sessionId}`
  for (const person of [idle, old])
    await expectProblem(await send(person.refreshToken), 401, {
      code: 'unauthenticated',
      reason: 'refresh_token_invalid',
    })
})

test('401: after logout', async () => {
  const person = await register()
  await auth.as(person).api.v1.auth.logout.$post()
  await expectProblem(await send(person.refreshToken), 401, { code: 'unauthenticated' })
})
