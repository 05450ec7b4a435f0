import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, register, createAdmin, revocationOf } = await createWorld(import.meta.path)

test('204: every session of the user ends; 404: nobody; 403: no admin', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  const other = await logIn(auth, person)
  const send = (who: { accessToken: string }, userId: string) =>
    auth.as(who).api.v1.admin.users[':userId'].sessions.$delete({ param: { userId } })
  await expectProblem(await send(person, person.user.id), 403, { code: 'forbidden' })
  expect((await send(admin, person.user.id)).status).toBe(204)
  for (const device of [person, other])
    await expectProblem(await auth.as(device).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  const rows = await sql`select end_reason from sessions where user_id = ${person.user.id}`
  expect(rows.map(({ endReason }) => endReason)).toEqual(['admin', 'admin'])
  await eventually(async () => expect(await revocationOf(person.user.id)).toMatchObject({ scope: 'user' }))
  await expectProblem(await send(admin, crypto.randomUUID()), 404, { code: 'not_found' })
})
