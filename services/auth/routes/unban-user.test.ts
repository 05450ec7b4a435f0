import { expect, test } from 'bun:test'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, register, createAdmin } = await createWorld(import.meta.path)

test('204: who was banned can log in again, but old tokens stay dead; 404: nobody; 403: no admin', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  const param = { userId: person.user.id }
  const ban = (who: { accessToken: string }) => auth.as(who).api.v1.admin.users[':userId'].ban
  await ban(admin).$put({ param, json: { reason: 'spam' } })
  expect((await ban(admin).$delete({ param })).status).toBe(204)
  const [row] = await sql`select banned_at, ban_reason from users where id = ${person.user.id}`
  expect(row).toEqual({ bannedAt: null, banReason: null })
  await expectProblem(await auth.as(person).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  const back = await logIn(auth, person)
  expect((await auth.as(back).api.v1.auth.me.$get()).status).toBe(200)
  await expectProblem(await ban(admin).$delete({ param: { userId: crypto.randomUUID() } }), 404, {
    code: 'not_found',
  })
  await expectProblem(await ban(back).$delete({ param }), 403, { code: 'forbidden' })
})
