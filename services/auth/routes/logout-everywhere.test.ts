import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, register, revocationOf } = await createWorld(import.meta.path)

test('204: every session ends, and a log-in right afterwards is good', async () => {
  const person = await register()
  const other = await logIn(auth, person)
  expect((await auth.as(person).api.v1.auth['logout-everywhere'].$post()).status).toBe(204)
  for (const device of [person, other]) {
    await expectProblem(await auth.as(device).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
    const json = { refreshToken: device.refreshToken }
    await expectProblem(await auth.client.api.v1.auth.refresh.$post({ json }), 401, {
      code: 'unauthenticated',
    })
  }
  const again = await logIn(auth, person)
  expect((await auth.as(again).api.v1.auth.me.$get()).status).toBe(200)
  const open = await sql`select id from sessions where user_id = ${person.user.id} and ended_at is null`
  expect(open).toHaveLength(1)
  await eventually(async () =>
    expect(await revocationOf(person.user.id)).toMatchObject({ scope: 'user', id: person.user.id }),
  )
})

test('401: without a token', async () => {
  await expectProblem(await auth.client.api.v1.auth['logout-everywhere'].$post(), 401, {
    code: 'unauthenticated',
  })
})
