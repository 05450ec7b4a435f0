import { expect, test } from 'bun:test'
import { AdminUser } from '../schema.ts'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, register, createAdmin } = await createWorld(import.meta.path)

test('200: one account; 404: none; 400: no id; 403: for admins only', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  const send = (who: { accessToken: string }, userId: string) =>
    auth.as(who).api.v1.admin.users[':userId'].$get({ param: { userId } })
  const answer = await send(admin, person.user.id)
  expect(answer.status).toBe(200)
  const { id, username, email, role, createdAt, emailVerified } = person.user
  expect(AdminUser.parse(await answer.json())).toEqual({
    id,
    username,
    email,
    role,
    createdAt,
    emailVerified,
    deletedAt: null,
    ban: null,
  })
  await expectProblem(await send(admin, crypto.randomUUID()), 404, { code: 'not_found' })
  await expectProblem(await send(admin, 'x'), 400, { code: 'invalid' })
  await expectProblem(await send(person, person.user.id), 403, { code: 'forbidden' })
})
