import { afterAll, expect, test } from 'bun:test'
import { memoryStorage, PlazaClient } from '@plaza/client'
import { eventually } from '@plaza/kit/testing'
import { grantAdmin, type Instance, instancesOf } from '../instances.ts'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { call, logIn, type Person, refresh, register } from './_people.ts'
import { type OpenSocket, openSocket, showTicket, takeTicket } from './_socket.ts'

const plaza = await startPlaza({ each: true, scale: { message: 2, websocket: 2 } })
afterAll(() => plaza.stop())
const { url } = plaza
const instances = await instancesOf(plaza)
const nodes = instances.filter(({ name }) => name === 'websocket')
const auth = instances.find(({ name }) => name === 'auth') ?? { name: 'auth', url: '' }
const others = instances.filter(({ name }) => name !== 'auth')

/** What every process must have heard within. */
const withinMs = 1_000

/** An operation of each service that costs little and needs nothing but a good token. */
const probes: Record<string, [method: string, path: string]> = {
  auth: ['GET', '/api/v1/auth/me'],
  user: ['GET', '/api/v1/me/privacy'],
  message: ['GET', '/api/v1/conversations'],
  relay: ['GET', '/api/v1/queue'],
  websocket: ['POST', '/api/v1/ws/ticket'],
}
const statusAt = async ({ name, url }: Instance, { accessToken }: Person): Promise<number> => {
  const [method, path] = probes[name] ?? ['GET', '/']
  return (await call(url, method, path, accessToken)).status
}
const isTaken = (status: number) => status < 300
/** Each service as the gateway shows it. */
const throughGateway = Object.keys(probes).map((name) => ({ name, url }))

const boss = await (async () => {
  const somebody = await register(url)
  await grantAdmin(plaza, somebody.username)
  return eventually(async () => {
    const admin = await logIn(url, somebody)
    expect((await call(url, 'GET', '/api/v1/admin/users', admin.accessToken)).status).toBe(200)
    return admin
  })
})()
const asBoss = (method: string, path: string, body?: unknown) =>
  call(url, method, `/api/v1/admin/users/${path}`, boss.accessToken, body)
const ban = (person: Person) => asBoss('PUT', `${person.id}/ban`, { reason: 'because' })

/** Somebody whose token every process has seen and remembers, with a socket at each node. */
const settle = async (): Promise<{ person: Person; sockets: OpenSocket[] }> => {
  const person = await register(url)
  for (const instance of [...instances, ...throughGateway])
    expect(isTaken(await statusAt(instance, person))).toBe(true)
  return {
    person,
    sockets: await Promise.all(nodes.map((node) => openSocket(node.url, person.accessToken))),
  }
}
const asOf = (person: Person, method: string, path: string, body?: unknown) =>
  call(url, method, `/api/v1/auth/${path}`, person.accessToken, body)
const { password } = boss

const ends: Record<string, (person: Person) => Promise<Response>> = {
  logout: (person) => asOf(person, 'POST', 'logout'),
  'logout everywhere': (person) => asOf(person, 'POST', 'logout-everywhere'),
  'logout of this device from another': async (person) =>
    asOf(await logIn(url, person), 'DELETE', `sessions/${person.sessionId}`),
  'a password change on another device': async (person) =>
    asOf(await logIn(url, person), 'POST', 'password/change', {
      currentPassword: password,
      newPassword: 'seven quiet walruses hum',
    }),
  'a ban': ban,
  'a role change': (person) => asBoss('PUT', `${person.id}/role`, { role: 'moderator' }),
  'an admin who ends the sessions': (person) => asBoss('DELETE', `${person.id}/sessions`),
  deletion: (person) => asOf(person, 'DELETE', 'me', { password }),
}

for (const [name, end] of Object.entries(ends))
  test(`after ${name} auth and the gateway refuse at once, every instance within a second, and sockets close`, async () => {
    const { person, sockets } = await settle()
    const unused = await takeTicket(url, person.accessToken)
    expect((await end(person)).ok).toBe(true)
    for (const place of [auth, ...throughGateway]) expect(await statusAt(place, person)).toBe(401)
    await Promise.all(
      others.map((instance) =>
        eventually(async () => {
          const answered = [instance.name, instance.url, await statusAt(instance, person)]
          expect(answered).toEqual([instance.name, instance.url, 401])
        }, withinMs),
      ),
    )
    expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([4401, 4401])
    expect(await showTicket(nodes[0]?.url ?? '', unused)).toBe(401)
    if (name === 'a role change') {
      const changed = await refresh(url, person)
      for (const instance of [...instances, ...throughGateway])
        expect(isTaken(await statusAt(instance, changed))).toBe(true)
    } else await expect(refresh(url, person)).rejects.toThrow('refresh answered 401')
  })

test('whoever loses the answer of a refresh stays logged in, also twice', async () => {
  const storage = memoryStorage()
  const first = new PlazaClient({ url, storage })
  const username = `lost${crypto.randomUUID().slice(0, 8)}`
  await first.account.register({ username, email: `${username}@example.org`, password })
  const session = await first.account.session()
  await first.close()
  // As after a long absence: the device finds that its token is spent.
  storage.set('plaza.session', JSON.stringify({ ...session, accessToken: 'spent' }))
  let lost = 0
  const again = new PlazaClient({
    url,
    storage,
    fetch: async (target, init) => {
      const answer = await fetch(target, init)
      if (!target.pathname.endsWith('/refresh') || lost === 2) return answer
      lost += 1
      throw new Error('the line broke before the answer came')
    },
  })
  expect(await again.account.me()).toMatchObject({ username })
  expect(lost).toBe(2)
  expect(await again.account.session()).toMatchObject({ sessionId: session?.sessionId })
  await again.close()
})

test('a refresh token that was stolen and used ends the session for both, everywhere, with its sockets', async () => {
  const { person, sockets } = await settle()
  const thief = await refresh(url, person)
  const owner = await refresh(url, thief)
  await expect(refresh(url, person)).rejects.toThrow('refresh_token_reused')
  for (const { accessToken } of [person, thief, owner])
    expect((await call(auth.url, 'GET', '/api/v1/auth/me', accessToken)).status).toBe(401)
  for (const holder of [thief, owner])
    await expect(refresh(url, holder)).rejects.toThrow('refresh answered 401')
  await Promise.all(
    others.map((instance) =>
      eventually(async () => expect(await statusAt(instance, owner)).toBe(401), withinMs),
    ),
  )
  expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([4401, 4401])
})

test('a ticket opens one socket, however often and wherever it is shown at once', async () => {
  const person = await register(url)
  const ticket = await takeTicket(url, person.accessToken)
  const places = [url, ...nodes.map((node) => node.url)]
  const shown = await Promise.all(
    Array.from({ length: 5 }, () => places)
      .flat()
      .map((at) => showTicket(at, ticket)),
  )
  expect(shown.sort()).toEqual([101, ...Array<number>(14).fill(401)])
  for (const at of places) expect(await showTicket(at, ticket)).toBe(401)
})

/** Kills NATS and waits until the supervisor has brought it back. */
const breakNats = async () => {
  const pidOf = async () => (await plaza.run()).parts.find(({ name }) => name === 'nats')?.pid
  const before = await pidOf()
  await plaza.kill('nats')
  return { back: () => eventually(async () => expect(await pidOf()).not.toBe(before)) }
}

/** What every process answers from now on to somebody shut out: nothing but refusals, after `withinMs`. */
const refusedThroughout = async (person: Person, forMs: number) => {
  const places = [...instances, ...throughGateway]
  const since = performance.now()
  const taken: string[] = []
  const watch = async (place: Instance) => {
    while (performance.now() - since < forMs) {
      const askedAt = performance.now()
      const status = await statusAt(place, person)
      if (![401, 503].includes(status) && askedAt - since > withinMs)
        taken.push(`${place.name} ${place.url} answered ${status} after ${askedAt - since} ms`)
      await Bun.sleep(25)
    }
  }
  await Promise.all(places.map(watch))
  expect(taken.slice(0, 20)).toEqual([])
}
const trusted = (person: Person) =>
  Promise.all(
    [...instances, ...throughGateway].map((place) =>
      eventually(async () => expect(isTaken(await statusAt(place, person))).toBe(true)),
    ),
  )

test('a ban while NATS is away holds within a second, and goes on holding when NATS is back', async () => {
  const { person, sockets } = await settle()
  const { back } = await breakNats()
  expect((await ban(person)).ok).toBe(true)
  await refusedThroughout(person, 6_000)
  await back()
  expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([4401, 4401])
  await trusted(boss)
})

test('a ban right after an outage of NATS holds within a second', async () => {
  const { person, sockets } = await settle()
  const { back } = await breakNats()
  await back()
  expect((await ban(person)).ok).toBe(true)
  await refusedThroughout(person, 4_000)
  expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([4401, 4401])
  await trusted(boss)
})

test('when neither NATS nor auth can say whether a session goes on, the answer is 503, and later 200 again', async () => {
  const { person } = await settle()
  await plaza.kill('auth-1', 'SIGSTOP')
  const silent = others.map((instance) =>
    eventually(async () => expect(await statusAt(instance, person)).toBe(503)),
  )
  await Promise.all(silent)
  await plaza.kill('auth-1', 'SIGCONT')
  await trusted(person)
})

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(instances.map(({ url }) => Number(new URL(url).port)))).toBe(0)
})
