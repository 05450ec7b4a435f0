import { expect, test } from 'bun:test'
import { PlazaClient } from './client.ts'
import { isLoggedOut } from './error.ts'
import { memoryStorage } from './storage.ts'
import { clientOf, eventually, refusal, scriptServer, sessionOf } from './testing.ts'

const refresh = 'POST /api/v1/auth/refresh'

function expiring() {
  const server = scriptServer()
  const tokens: unknown[] = []
  server.script.routes['POST /api/v1/auth/login'] = () => sessionOf(1)
  server.script.routes[refresh] = ({ body }) => {
    tokens.push(body)
    return sessionOf(2)
  }
  server.script.routes['GET /api/v1/auth/me'] = ({ headers }) =>
    headers.get('authorization') === 'Bearer access-2' ? sessionOf().user : refusal(401, 'unauthenticated')
  return { server, tokens }
}

test('many calls with a spent token share one refresh', async () => {
  const { server, tokens } = expiring()
  const client = await clientOf(server)
  await Promise.all(Array.from({ length: 20 }, () => client.account.me()))
  expect(tokens).toEqual([{ refreshToken: 'refresh-1' }])
})

test('a device whose clock is ahead refreshes no token that the server takes', async () => {
  const { server, tokens } = expiring()
  server.script.routes['POST /api/v1/auth/login'] = () => sessionOf(2, -60_000)
  const client = await clientOf(server)
  await client.account.me()
  expect(tokens).toEqual([])
})

test('a refresh whose answer was lost is repeated with the same token', async () => {
  const { server, tokens } = expiring()
  let lost = 0
  const client = await clientOf(server, {
    async fetch(url, init) {
      const answer = await fetch(url, init)
      if (!url.pathname.endsWith('/refresh') || lost > 0) return answer
      lost += 1
      throw new TypeError('the line broke')
    },
  })
  expect(await client.account.me()).toEqual(sessionOf().user)
  expect(tokens).toEqual([{ refreshToken: 'refresh-1' }, { refreshToken: 'refresh-1' }])
})

test('a session that is over is forgotten and said so', async () => {
  const { server } = expiring()
  server.script.routes[refresh] = () => refusal(401, 'unauthenticated', 'revoked')
  const client = await clientOf(server)
  expect(isLoggedOut(await client.account.me().catch((error: unknown) => error))).toBe(true)
  expect(await client.account.session()).toBeNull()
  await expect(client.connect()).rejects.toThrow()
  expect(client.state).toBe('ended')
})

test('a refresh that fails for the moment leaves the person logged in', async () => {
  const { server, tokens } = expiring()
  const answer = server.script.routes[refresh]
  let failures = 2
  server.script.routes[refresh] = (request) =>
    failures-- > 0 ? refusal(503, 'unavailable') : answer?.(request)
  const client = await clientOf(server)
  expect(await client.account.me()).toEqual(sessionOf().user)
  expect(tokens).toHaveLength(1)
})

test('a tab that finds the token of another tab spent, too, refreshes that one and stays logged in', async () => {
  const { server, tokens } = expiring()
  const storage = memoryStorage()
  const client = await clientOf(server, { storage })
  storage.set('plaza.session', JSON.stringify({ ...sessionOf(7), accessToken: 'spent as well' }))
  expect(await client.account.me()).toEqual(sessionOf().user)
  expect(tokens).toEqual([{ refreshToken: 'refresh-7' }])
})

test('a log-in during the refresh of an earlier session outlives its refusal', async () => {
  const { server } = expiring()
  const gate = Promise.withResolvers<void>()
  server.script.routes[refresh] = async () => {
    await gate.promise
    return refusal(401, 'unauthenticated', 'revoked')
  }
  const client = await clientOf(server)
  const called = client.account.me()
  await eventually(() => expect(server.script.calls).toContain(refresh))
  server.script.routes['POST /api/v1/auth/login'] = () => ({ ...sessionOf(2), sessionId: 'another' })
  await client.account.logIn({ login: 'me', password: 'x' })
  gate.resolve()
  expect(await called).toEqual(sessionOf().user)
  expect(await client.account.session()).toMatchObject({ sessionId: 'another' })
})

for (const [what, canRemove] of [
  ['a full storage', true],
  ['a storage on a full disk', false],
] as const)
  test(`${what} logs nobody out: the newest token is used, and a log-in in another tab holds`, async () => {
    const { server, tokens } = expiring()
    let spent = 1
    server.script.routes[refresh] = ({ body }) => {
      tokens.push(body)
      return sessionOf(spent)
    }
    server.script.routes['GET /api/v1/auth/me'] = ({ headers }) =>
      headers.get('authorization') === `Bearer access-${spent}`
        ? sessionOf().user
        : refusal(401, 'unauthenticated')
    const storage = memoryStorage()
    const full = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    let isFull = false
    const client = await clientOf(server, {
      storage: {
        ...storage,
        set: (key, value) => (isFull ? full() : storage.set(key, value)),
        remove: (key) => (canRemove ? storage.remove(key) : full()),
      },
    })
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(error))
    isFull = true
    for (spent = 2; spent < 4; spent += 1) expect(await client.account.me()).toEqual(sessionOf().user)
    expect(tokens).toEqual([{ refreshToken: 'refresh-1' }, { refreshToken: 'refresh-2' }])
    expect(errors).toHaveLength(2)
    // An older one would be taken for stolen.
    if (canRemove) expect(storage.get('plaza.session')).toBeNull()
    storage.set('plaza.session', JSON.stringify(sessionOf(7)))
    expect(await client.account.me()).toEqual(sessionOf().user)
    expect(tokens[2]).toEqual({ refreshToken: 'refresh-7' })
  })

test('a log-in outlives a slow look into the storage that was begun before it', async () => {
  const { server } = expiring()
  server.script.routes['POST /api/v1/auth/login'] = () => sessionOf(2)
  const storage = memoryStorage()
  const gate = Promise.withResolvers<void>()
  const client = new PlazaClient({
    url: server.url,
    storage: {
      ...storage,
      async get(key) {
        const text = await storage.get(key)
        await gate.promise
        return text
      },
    },
  })
  const before = client.account.session()
  await client.account.logIn({ login: 'me', password: 'x' })
  gate.resolve()
  await before
  expect(await client.account.me()).toEqual(sessionOf().user)
  await client.close()
})

test('what is stored and no client wrote keeps nobody out: the device begins anew', async () => {
  const server = scriptServer()
  server.script.routes['POST /api/v1/auth/login'] = () => sessionOf(1)
  const storage = memoryStorage()
  for (const text of ['not JSON', '', 'null']) {
    storage.set('plaza.session', text)
    storage.set(`plaza.live.${sessionOf().user.id}`, text)
    const client = new PlazaClient({ url: server.url, storage })
    expect(await client.account.session()).toBeNull()
    await client.account.logIn({ login: 'ada', password: 'a password' })
    await client.connect()
    await client.close()
  }
})
