import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { grantRole, openAuthOps, rotateKeys } from './ops.ts'
import { createWorld, logIn } from './tests/_world.ts'

const { deps, auth, environment, sql, register, eventsAbout } = await createWorld(import.meta.path)

test('the first admin is made by the operator: row, event, and the next log-in', async () => {
  const person = await register()
  const ops = await openAuthOps(environment, deps.host.log)
  await grantRole(ops, person.login.toUpperCase(), 'admin')
  const [row] = await sql`select role from users where id = ${person.user.id}`
  expect(row?.role).toBe('admin')
  await eventually(async () =>
    expect(await eventsAbout('user.role_changed', person.user.id)).toMatchObject([
      { data: { role: 'admin' } },
    ]),
  )
  const admin = await logIn(auth, person)
  expect((await auth.as(admin).api.v1.admin.users.$get({ query: {} })).status).toBe(200)
  await ops.stop()
})

test('who does not exist gets nothing, and the last admin cannot be taken away', async () => {
  const ops = await openAuthOps(environment, deps.host.log)
  await expect(grantRole(ops, 'nobody', 'admin')).rejects.toThrow('There is no user nobody')
  const [admin] = await sql`select username from users where role = 'admin'`
  await expect(grantRole(ops, admin?.username, 'user')).rejects.toThrow('the last admin')
  await ops.stop()
})

test('keys rotate without the services being told', async () => {
  const ops = await openAuthOps(environment, deps.host.log)
  const kid = await rotateKeys(ops)
  await eventually(async () => {
    const answer = await auth.client['.well-known']['jwks.json'].$get()
    expect(await answer.text()).toContain(kid)
  })
  await ops.stop()
})
