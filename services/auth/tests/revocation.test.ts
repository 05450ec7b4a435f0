import { afterAll, expect, test } from 'bun:test'
import { testParts } from '@plaza/infra/testing'
import { eventually } from '@plaza/kit/testing'
import { grantRole } from '../ops.ts'
import { createWorld, type Instance, logIn, type Person } from './_world.ts'

const { auth, sql, start, register, createAdmin } = await createWorld(import.meta.path)
const second = await start()
const admin = await createAdmin()

/** What every instance must have heard within a second. */
const withinMs = 1_000
const statusAt = async (instance: Instance, person: { accessToken: string }) =>
  (await instance.as(person).api.v1.auth.me.$get()).status
const param = (person: Person) => ({ userId: person.user.id })

const ends: Record<string, (person: Person) => Promise<unknown>> = {
  logout: (person) => auth.as(person).api.v1.auth.logout.$post(),
  'logout everywhere': (person) => auth.as(person).api.v1.auth['logout-everywhere'].$post(),
  'logout of one device': async (person) =>
    auth
      .as(await logIn(auth, person))
      .api.v1.auth.sessions[':sessionId'].$delete({ param: { sessionId: person.sessionId } }),
  'a password change on another device': async (person) =>
    auth.as(await logIn(auth, person)).api.v1.auth.password.change.$post({
      json: { currentPassword: person.password, newPassword: 'seven quiet walruses hum' },
    }),
  'a ban': (person) =>
    auth.as(admin).api.v1.admin.users[':userId'].ban.$put({ param: param(person), json: { reason: 'x' } }),
  'a role change': (person) =>
    auth
      .as(admin)
      .api.v1.admin.users[':userId'].role.$put({ param: param(person), json: { role: 'moderator' } }),
  'an admin': (person) =>
    auth.as(admin).api.v1.admin.users[':userId'].sessions.$delete({ param: param(person) }),
  deletion: (person) => auth.as(person).api.v1.auth.me.$delete({ json: { password: person.password } }),
}

for (const [name, end] of Object.entries(ends)) {
  test(`tokens ended by ${name} are refused at once here, and within a second by another instance`, async () => {
    const person = await register()
    expect(await statusAt(second, person)).toBe(200)
    await end(person)
    expect(await statusAt(auth, person)).toBe(401)
    await eventually(async () => expect(await statusAt(second, person)).toBe(401), withinMs)
  })
}

test("an operator's grant reaches running instances although it publishes nothing itself", async () => {
  const person = await register()
  await grantRole({ sql }, person.login, 'moderator')
  for (const instance of [auth, second])
    await eventually(async () => expect(await statusAt(instance, person)).toBe(401))
})

const parts = await testParts({ redis: false })
afterAll(() => parts.stop())

test('a session that ended while NATS was away is refused throughout, also when NATS is just back', async () => {
  const apart = { NATS_URL: parts.natsUrl, DATABASE_URL: (await parts.createDatabase()).url }
  const [one, other] = [await start(apart), await start(apart)]
  const [person, witness] = [await register(one), await register(one)]
  for (const instance of [one, other]) expect(await statusAt(instance, person)).toBe(200)
  await parts.nats.kill()
  // Nothing is heard, so the other instance asks the database before long.
  expect((await one.as(person).api.v1.auth.logout.$post()).status).toBe(204)
  await eventually(async () => expect(await statusAt(other, person)).toBe(401))
  expect(await statusAt(other, witness)).toBe(200)
  await parts.nats.restart()
  // Whoever hears a heartbeat must have heard this revocation before it; the broker settles meanwhile.
  const until = performance.now() + 6_000
  while (performance.now() < until) {
    expect(await statusAt(other, person)).toBe(401)
    await Bun.sleep(50)
  }
  expect(await statusAt(other, witness)).toBe(200)
  await Promise.all([one.stop(), other.stop()])
}, 60_000)
