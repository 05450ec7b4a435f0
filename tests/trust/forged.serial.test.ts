import { afterAll, expect, test } from 'bun:test'
import { services } from '@plaza/infra/documents'
import { eventually } from '@plaza/kit/testing'
import { grantAdmin, instancesOf } from '../instances.ts'
import { fill, listOperations, type Operation } from '../operations.ts'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { authsKey, keyOfService, signToken, strangersKey, unsigned } from './_forge.ts'
import { call, logIn, register } from './_people.ts'
import { sendLines } from './_socket.ts'

const plaza = await startPlaza()
afterAll(() => plaza.stop())
const { url } = plaza
const instances = await instancesOf(plaza)
const placeOf = (service: string) => instances.find(({ name }) => name === service)?.url ?? ''

const ada = await register(url)
await grantAdmin(plaza, ada.username)
const boss = await eventually(async () => {
  const admin = await logIn(url, ada)
  expect((await call(url, 'GET', '/api/v1/admin/users', admin.accessToken)).status).toBe(200)
  return admin
})
const eve = await register(url)
const gone = await register(url)
const erasure = { password: gone.password }
expect((await call(url, 'DELETE', '/api/v1/auth/me', gone.accessToken, erasure)).status).toBe(202)

const now = Date.now() / 1_000
const realKey = await authsKey(plaza)
const messagesKey = await keyOfService(plaza, 'message')
/** What a good token of the admin says. */
const good = {
  iss: 'plaza',
  aud: 'plaza',
  sub: boss.id,
  sid: boss.sessionId,
  role: 'admin',
  iat: now,
  exp: now + 600,
}
const ofService = { sub: 'service:message', aud: 'plaza-internal', iat: now, exp: now + 600 }

/** Tokens that are good for no operation of people. */
const forged: Record<string, string> = {
  'alg none': unsigned(good),
  'an unknown key': signToken(good, strangersKey()),
  "another key under auth's key id": signToken(good, strangersKey(realKey.kid)),
  "a service's key": signToken(good, messagesKey),
  'an expired one': signToken({ ...good, iat: now - 900, exp: now - 1 }, realKey),
  'one without an end': signToken({ ...good, exp: undefined }, realKey),
  'another audience': signToken({ ...good, aud: 'plaza-internal' }, realKey),
  'no audience': signToken({ ...good, aud: undefined }, realKey),
  'another issuer': signToken({ ...good, iss: 'somebody' }, realKey),
  'a role that is none': signToken({ ...good, role: 'root' }, realKey),
  'no session': signToken({ ...good, sid: undefined }, realKey),
  "a service's own token": signToken(ofService, messagesKey),
  "a deleted user's": gone.accessToken,
  'a changed one': `${eve.accessToken.slice(0, -6)}AAAAAA`,
  nothing: '',
}

const ids = {
  conversationId: crypto.randomUUID(),
  messageId: crypto.randomUUID(),
  userId: boss.id,
  sessionId: boss.sessionId,
  erasureId: crypto.randomUUID(),
  emoji: '👍',
}
const operations = await listOperations()
const guarded = operations.filter(({ access }) => access !== 'public')

/** Every way to an operation: past the gateway, through it, and by the names without a version. */
const waysTo = ({ service, path }: Operation): string[] => {
  const target = fill(path, ids)
  const aliases = target.startsWith('/api/v1/') ? [url + target.replace('/api/v1/', '/api/')] : []
  if (path === '/api/v1/auth/validate-token') aliases.push(`${url}/auth/validate-token`)
  if (path === '/api/v1/users/{userId}/profile')
    aliases.push(`${url}/auth/profile/${ids.userId}`, `${url}/api/auth/profile/${ids.userId}`)
  return [placeOf(service) + target, url + target, ...aliases]
}

type Request = { id: string; method: string; target: string }
const requests: Request[] = guarded.flatMap((operation) =>
  waysTo(operation).map((target) => ({ id: operation.id, method: operation.method, target })),
)

/** Asks everywhere and names each place that answered anything but what was expected. */
const expectEverywhere = async (places: Request[], headers: Record<string, string>, allowed: number[]) => {
  const wrong: string[] = []
  const left = [...places]
  const ask = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const answer = await fetch(next.target, { method: next.method, headers })
      const text = await answer.text()
      if (!allowed.includes(answer.status)) wrong.push(`${next.id} ${next.target} ${answer.status} ${text}`)
      else if (answer.status >= 400 && !answer.headers.get('content-type')?.includes('problem+json'))
        wrong.push(`${next.id} ${next.target} is no problem+json: ${text}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, ask))
  expect(wrong).toEqual([])
}

test('the claims that are forged here are good when auth itself signs them', async () => {
  const token = signToken(good, realKey)
  for (const base of [url, placeOf('auth')])
    expect((await call(base, 'GET', '/api/v1/admin/users', token)).status).toBe(200)
  for (const [service, path] of [
    ['user', '/api/v1/me/privacy'],
    ['message', '/api/v1/conversations'],
    ['relay', '/api/v1/queue'],
  ])
    expect((await call(placeOf(service ?? ''), 'GET', path ?? '', token)).status).toBe(200)
})

for (const [name, token] of Object.entries(forged))
  test(`401 from every operation, through the gateway and past it: ${name}`, async () => {
    await expectEverywhere(requests, { authorization: `Bearer ${token}` }, [401])
  })

const identity = { 'x-user-id': boss.id, 'x-user-role': 'admin', 'x-session-id': boss.sessionId }

test('401 from every operation to headers that say who one is', async () => {
  await expectEverywhere(requests, identity, [401])
})

const spellings: Record<string, string[]> = {
  plain: [`X-User-Id: ${boss.id}`, 'X-User-Role: admin', `X-Session-Id: ${boss.sessionId}`],
  twice: [`X-User-Id: ${eve.id}`, `X-User-Id: ${boss.id}`, 'X-User-Role: user', 'X-User-Role: admin'],
  'in capitals': [`X-USER-ID: ${boss.id}`, 'X-USER-ROLE: admin', `X-SESSION-ID: ${boss.sessionId}`],
  'with underscores': [`X_User_Id: ${boss.id}`, 'X_User_Role: admin', `X_Session_Id: ${boss.sessionId}`],
  'hop by hop': [
    'Connection: close, X-User-Id, X-User-Role, X-Session-Id',
    `X-User-Id: ${boss.id}`,
    'X-User-Role: admin',
  ],
  'with the token named as hop by hop': ['Connection: close, Authorization', `X-User-Id: ${boss.id}`],
}

for (const [name, headers] of Object.entries(spellings))
  test(`identity headers ${name} make nobody of a stranger, and nobody else of a user`, async () => {
    const bearer = `Authorization: Bearer ${eve.accessToken}`
    for (const base of [url, placeOf('auth')]) {
      // A name with underscores is refused at the door, whoever comes.
      const stranger = await sendLines(base, 'GET /api/v1/auth/me HTTP/1.1', headers)
      expect([400, 401]).toContain(stranger.status)
      const me = await sendLines(base, 'GET /api/v1/auth/me HTTP/1.1', [bearer, ...headers])
      expect([200, 400, 401]).toContain(me.status)
      expect(me.text).not.toContain(boss.id)
      if (me.status === 200) expect(me.text).toContain(eve.id)
      const ranked = await sendLines(base, 'GET /api/v1/admin/users HTTP/1.1', [bearer, ...headers])
      expect([400, 401, 403]).toContain(ranked.status)
    }
  })

/** The routes by which services call each other, with what stands for their parameters. */
const internal = Object.entries(services).flatMap(([service, { app }]) => {
  // A handler and what stands before it are listed one by one, under one path.
  const paths = app().routes.filter(({ path }) => path.startsWith('/internal/'))
  return [...new Set(paths.map(({ method, path }) => `${method} ${path}`))].map((line) => {
    const [method = '', path = ''] = line.split(' ')
    return { id: service, method, path: path.replaceAll(/:\w+/g, boss.id) }
  })
})
const atServices = internal.map(({ id, method, path }) => ({ id, method, target: placeOf(id) + path }))
const atGateway = internal.map(({ id, method, path }) => ({ id, method, target: url + path }))

const strangersToServices: Record<string, string> = {
  nothing: '',
  "a user's token": eve.accessToken,
  "an admin's token": boss.accessToken,
  'a token of auth for the audience of services': signToken({ ...ofService, sub: 'service:auth' }, realKey),
  'alg none': unsigned(ofService),
  "another key under a service's key id": signToken(ofService, strangersKey('message')),
  'a service that claims to be another': signToken({ ...ofService, sub: 'service:auth' }, messagesKey),
  'an expired one': signToken({ ...ofService, iat: now - 900, exp: now - 1 }, messagesKey),
  'one without an end': signToken({ ...ofService, exp: undefined }, messagesKey),
  'the audience of people': signToken({ ...ofService, aud: 'plaza' }, messagesKey),
}
const serviceToken = signToken(ofService, messagesKey)

test('services do take each other’s real tokens', async () => {
  expect(new Set(internal.map(({ id }) => id))).toEqual(new Set(['auth', 'user', 'message', 'relay']))
  const path = `/internal/v1/users/${boss.id}`
  expect((await call(placeOf('auth'), 'GET', path, serviceToken)).status).toBe(200)
})

for (const [name, token] of Object.entries(strangersToServices))
  test(`401 from every internal route: ${name}`, async () => {
    await expectEverywhere(atServices, { authorization: `Bearer ${token}` }, [401])
  })

test('no internal route exists at the gateway, not even for a service', async () => {
  for (const token of [serviceToken, boss.accessToken])
    await expectEverywhere(atGateway, { authorization: `Bearer ${token}` }, [404])
})

const hidden = ['internal/v1/users/x', 'health/ready', 'health/live', 'metrics']
const detours = [
  '/',
  '//',
  '///',
  '/./',
  '/api/../',
  '/api/v1/../../',
  '/api/v1/users/../../../',
  '/api/v1/auth/../../../',
  '/api/v1/users/%2e%2e/%2e%2e/%2e%2e/',
  '/api/v1/users/.%2e/.%2e/%2e./',
  '/api/v1/users/..%2f..%2f..%2f',
  '/api/v1/users/..%5c..%5c..%5c',
  '/api/v1/users/..\\..\\..\\',
  '/api/v1/users/%252e%252e/%252e%252e/%252e%252e/',
  '/api/v1/users/..;/..;/..;/',
  '/api/v1/queue//../../../',
  '/api/v1/ws/../../../',
  '/api/v1/auth/login/../../../../',
  '/api/v1/auth/profile/../../../../',
  '/auth/profile/../../',
  '/auth/profile/%2e%2e/%2e%2e/',
  '/api/',
  '/api/v1/',
  '/api//',
  '/docs/../',
  '/docs/%2e%2e/',
  '/%2e/',
]
const spelled = (path: string) => [
  path,
  path.replace(/^[a-z]/, (first) => `%${first.charCodeAt(0).toString(16)}`),
  path.toUpperCase(),
  `${path}/`,
  `${path}?x=1`,
  `${path}%20`,
]

test('no detour leads from the gateway to what is not public', async () => {
  const targets = detours.flatMap((detour) =>
    hidden.flatMap((path) => spelled(path).map((one) => detour + one)),
  )
  const absolute = hidden.map((path) => `http://127.0.0.1/${path}`)
  const bearers = [serviceToken, boss.accessToken].map((token) => `Authorization: Bearer ${token}`)
  const leaks: string[] = []
  const left = [...targets, ...absolute]
  const follow = async () => {
    for (let target = left.pop(); target; target = left.pop())
      for (const bearer of bearers) {
        const { status, text } = await sendLines(url, `GET ${target} HTTP/1.1`, [bearer])
        const isRefused = (status >= 400 && status < 500) || status === 301 || status === 308
        if (!isRefused || /unexpected_errors_total|ready\b|"username"/.test(text.split('\r\n\r\n')[1] ?? ''))
          leaks.push(`${target} ${status}`)
      }
  }
  await Promise.all(Array.from({ length: 16 }, follow))
  expect(leaks).toEqual([])
})

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(instances.map(({ url }) => Number(new URL(url).port)))).toBe(0)
})
