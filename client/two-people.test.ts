import { expect, test } from 'bun:test'
import { PlazaClient } from './client.ts'
import { isLoggedOut } from './error.ts'
import { memoryStorage } from './storage.ts'
import { clientOf, eventFrame, eventually, message, refusal, scriptServer, sessionOf } from './testing.ts'
import type { Session } from './wire.ts'

const sends = 'POST /api/v1/conversations/c/messages'

const sessionFor = (login: string): Session => {
  const session = sessionOf()
  const token = { accessToken: `access-${login}`, refreshToken: `refresh-${login}` }
  return { ...session, ...token, sessionId: `session-${login}`, user: { ...session.user, id: login } }
}

/** A server where anybody may log in, and that keeps whose tickets it gave out. */
function anybody() {
  const server = scriptServer()
  const { routes } = server.script
  const tickets: (string | null)[] = []
  const over = new Set<string | null>()
  routes['POST /api/v1/auth/login'] = ({ body }) => sessionFor((body as { login: string }).login)
  routes['POST /api/v1/auth/logout'] = () => refusal(500, 'internal')
  routes['POST /api/v1/ws/ticket'] = ({ headers }) => {
    const token = headers.get('authorization')
    if (over.has(token)) return refusal(401, 'unauthenticated')
    tickets.push(token)
    return { ticket: 't' }
  }
  return { server, tickets, over }
}

const logIn = (client: PlazaClient, login: string) => client.account.logIn({ login, password: 'x' })
const logOut = (client: PlazaClient) => client.account.logOut().catch(() => {})

test('a tab whose person was replaced in another tab ends, and goes on as nobody else', async () => {
  const { server, tickets, over } = anybody()
  const storage = memoryStorage()
  const first = await clientOf(server, { storage })
  const second = new PlazaClient({ url: server.url, storage })
  await first.connect()
  await logOut(second)
  await logIn(second, 'eve')
  over.add('Bearer access-me')
  server.script.sockets[0]?.close(4401)
  await eventually(() => expect(first.state).toBe('ended'))
  expect(await first.account.session()).toBeNull()
  expect(tickets).toEqual(['Bearer access-me'])
})

test('a log-out in one tab leaves the person who has logged in meanwhile in another', async () => {
  const { server } = anybody()
  const storage = memoryStorage()
  const first = await clientOf(server, { storage })
  await logIn(new PlazaClient({ url: server.url, storage }), 'eve')
  await logOut(first)
  expect(await first.account.session()).toBeNull()
  expect(await storage.get('plaza.session')).toContain('eve')
})

test('a tab notices that its person was logged out in another tab', async () => {
  const { server, over } = anybody()
  const storage = memoryStorage()
  const first = await clientOf(server, { storage })
  const second = new PlazaClient({ url: server.url, storage })
  await logOut(second)
  over.add('Bearer access-me')
  await expect(first.connect()).rejects.toThrow()
  expect(await first.account.session()).toBeNull()
})

test('the next person on a device gets a socket of their own, from its beginning', async () => {
  const { server, tickets } = anybody()
  const client = await clientOf(server)
  const states: string[] = []
  const told: number[] = []
  client.on('state', ({ state }) => states.push(state))
  client.on('message', ({ seq }) => told.push(seq))
  await client.connect()
  server.script.sockets[0]?.send(eventFrame(1, 'message.created', message(1)))
  await eventually(() => expect(told).toEqual([1]))
  await logOut(client)
  expect(client.state).toBe('ended')
  await logIn(client, 'eve')
  await client.connect()
  expect(tickets).toEqual(['Bearer access-me', 'Bearer access-eve'])
  expect(server.script.sockets.map(({ cursor }) => cursor)).toEqual([undefined, undefined])
  expect(states).toEqual(['connecting', 'live', 'ended', 'connecting', 'live'])
})

test('what was to be sent for one person is not sent for the next', async () => {
  const { server } = anybody()
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const senders: (string | null)[] = []
  server.script.routes[sends] = async ({ headers }) => {
    senders.push(headers.get('authorization'))
    asked.resolve()
    await answered.promise
    return message(1)
  }
  const client = await clientOf(server)
  const first = client.send('c', 'one')
  const second = client.send('c', 'two').catch((error: unknown) => error)
  await asked.promise
  await logOut(client)
  await logIn(client, 'eve')
  answered.resolve()
  await first
  expect(isLoggedOut(await second)).toBe(true)
  expect(senders).toEqual(['Bearer access-me'])
})

test('a refresh that ends after its person left brings nobody back', async () => {
  const { server } = anybody()
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  server.script.routes['GET /api/v1/auth/me'] = () => refusal(401, 'unauthenticated')
  server.script.routes['POST /api/v1/auth/refresh'] = async () => {
    asked.resolve()
    await answered.promise
    return sessionFor('me')
  }
  const client = await clientOf(server)
  const refused = client.account.me().catch((error: unknown) => error)
  await asked.promise
  await logOut(client)
  await logIn(client, 'eve')
  answered.resolve()
  expect(isLoggedOut(await refused)).toBe(true)
  expect((await client.account.session())?.user.id).toBe('eve')
})

test('a log-out that ends late leaves the person who has logged in meanwhile', async () => {
  const { server } = anybody()
  const gate = Promise.withResolvers<void>()
  server.script.routes['POST /api/v1/auth/logout'] = async () => {
    await gate.promise
    return refusal(500, 'internal')
  }
  const client = await clientOf(server)
  const leaving = logOut(client)
  await logIn(client, 'eve')
  gate.resolve()
  await leaving
  expect((await client.account.session())?.user.id).toBe('eve')
})
