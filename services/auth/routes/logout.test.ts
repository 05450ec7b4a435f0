import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, register, revocationOf } = await createWorld(import.meta.path)

test('204: this session ends at once, the row and the event say so, the other device goes on', async () => {
  const person = await register()
  const other = await logIn(auth, person)
  const answer = await auth.as(person).api.v1.auth.logout.$post()
  expect(answer.status).toBe(204)
  await expectProblem(await auth.as(person).api.v1.auth.me.$get(), 401, {
    code: 'unauthenticated',
    reason: 'revoked',
  })
  expect((await auth.as(other).api.v1.auth.me.$get()).status).toBe(200)
  const [row] = await sql`select end_reason from sessions where id = ${person.sessionId}`
  expect(row?.endReason).toBe('logout')
  await eventually(async () =>
    expect(await revocationOf(person.sessionId)).toMatchObject({ scope: 'session', id: person.sessionId }),
  )
})

test('401: without a token', async () => {
  await expectProblem(await auth.client.api.v1.auth.logout.$post(), 401, { code: 'unauthenticated' })
})
