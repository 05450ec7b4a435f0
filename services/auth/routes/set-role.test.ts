import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, sql, register, createAdmin, eventsAbout, revocationOf } = await createWorld(import.meta.path)

const send = (who: { accessToken: string }, userId: string, role: string) =>
  fetch(`${auth.url}/api/v1/admin/users/${userId}/role`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${who.accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ role }),
  })

test('200: the old token dies, the refreshed one has the new role, row and events say so', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  const { id: userId } = person.user
  const answer = await send(admin, userId, 'moderator')
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ id: userId, role: 'moderator' })
  await expectProblem(await auth.as(person).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  const refreshed = await auth.client.api.v1.auth.refresh.$post({
    json: { refreshToken: person.refreshToken },
  })
  expect(await refreshed.json()).toMatchObject({ user: { role: 'moderator' } })
  const [row] = await sql`select role from users where id = ${userId}`
  expect(row?.role).toBe('moderator')
  await eventually(async () =>
    expect(await eventsAbout('user.role_changed', userId)).toMatchObject([
      { actor: admin.user.id, data: { userId, role: 'moderator' } },
    ]),
  )
  expect(await revocationOf(userId)).toMatchObject({ scope: 'user' })
})

test('403: nobody but an admin; 404: nobody to change; 400: no such role', async () => {
  const [admin, person] = await Promise.all([createAdmin(), register()])
  await expectProblem(await send(person, person.user.id, 'admin'), 403, { code: 'forbidden' })
  await expectProblem(await send(admin, crypto.randomUUID(), 'user'), 404, { code: 'not_found' })
  await expectProblem(await send(admin, person.user.id, 'owner'), 400, { code: 'invalid' })
})

test('409: of two admins who demote each other one stays', async () => {
  await sql`update users set role = 'user'`
  const [one, other] = await Promise.all([createAdmin(), createAdmin()])
  const answers = await Promise.all([send(one, other.user.id, 'user'), send(other, one.user.id, 'user')])
  // The second is refused as the last admin, or as somebody who is no admin any more.
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(await sql`select id from users where role = 'admin'`).toHaveLength(1)
})
