import { afterAll, expect, test } from 'bun:test'
import { standIn, testGateway } from '@plaza/infra/gateway'
import { servicePorts } from '@plaza/kit/ports'
import { echo, Seen, sendRaw, serveForwardAuth } from './_stand-ins.ts'

const gateway = await testGateway({ STRANGER_RATE_BURST: '1000', USER_RATE_BURST: '1000' })
const forwarded: Request[] = []
const forwardAuth = serveForwardAuth(gateway, (request) => forwarded.push(request))
const services = Object.fromEntries(
  Object.keys(servicePorts).map((name) => [
    name,
    standIn((request) => {
      const answer = echo(request)
      answer.headers.set('x-service', name)
      return answer
    }),
  ]),
)
await gateway.route(Object.fromEntries(Object.entries(services).map(([name, { url }]) => [name, [url]])))
afterAll(async () => {
  await Promise.all([gateway.stop(), forwardAuth.stop(), ...Object.values(services).map((one) => one.stop())])
})

const known = { authorization: 'Bearer ada' }

test.each([
  ['/api/v1/auth/login', 'auth', '/api/v1/auth/login'],
  ['/api/auth/login', 'auth', '/api/v1/auth/login'],
  ['/api/v1/auth/password/forgot', 'auth', '/api/v1/auth/password/forgot'],
  ['/api/v1/auth/logout', 'auth', '/api/v1/auth/logout'],
  ['/api/v1/admin/users/7', 'auth', '/api/v1/admin/users/7'],
  ['/auth/validate-token', 'auth', '/api/v1/auth/validate-token'],
  ['/.well-known/jwks.json', 'auth', '/.well-known/jwks.json'],
  ['/auth/profile/7', 'user', '/api/v1/users/7/profile'],
  ['/api/auth/profile/7', 'user', '/api/v1/users/7/profile'],
  ['/api/v1/users/7', 'user', '/api/v1/users/7'],
  ['/api/contacts', 'user', '/api/v1/contacts'],
  ['/api/v1/me/privacy', 'user', '/api/v1/me/privacy'],
  ['/api/v1/conversations/7/messages', 'message', '/api/v1/conversations/7/messages'],
  ['/api/search/messages', 'message', '/api/v1/search/messages'],
  ['/api/v1/queue', 'relay', '/api/v1/queue'],
  ['/api/v1/ws/ticket', 'websocket', '/api/v1/ws/ticket'],
  ['/api/ws', 'websocket', '/api/v1/ws'],
])('%s reaches %s', async (path, service, there) => {
  const answer = await fetch(gateway.url + path, { headers: known })
  expect(answer.headers.get('x-service')).toBe(service)
  expect(Seen.parse(await answer.json()).path).toBe(there)
})

test.each([
  '/internal/v1/forward-auth',
  '/api/v1/auth/../../../internal/v1/forward-auth',
  '/api/v1/auth/%2e%2e/%2E%2e/../internal/v1/forward-auth',
  '/api/v1/users/%23/%2e%2e/../../../internal/v1/forward-auth',
  '/api/v1/internal/x',
  '/health/ready',
  '/health/live',
  '/metrics',
  '/api/v1/elsewhere',
  '/api/v2/users',
  '/problem/503',
  '//internal/v1/forward-auth',
])('%s does not exist', async (path) => {
  const { status, body } = await sendRaw(gateway.url, path, known)
  expect(status).toBe(404)
  expect(JSON.parse(body)).toMatchObject({ status: 404, code: 'not_found', requestId: expect.any(String) })
})

test.each(['%2F', '%2f', '%5C', '%00', '%3B', '%25', '%252F', '%3F', '\\', ';', '%2E%2E%2F'])(
  '%j in a path is refused',
  async (sign) => {
    const { status, body } = await sendRaw(gateway.url, `/api/v1/users/${sign}internal`, known)
    expect(status).toBe(400)
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'invalid', requestId: expect.any(String) })
  },
)

test('an emoji with a # in it is a reaction like any other', async () => {
  const path = `/api/v1/messages/7/reactions/${encodeURIComponent('#️⃣')}`
  const { status, body } = await sendRaw(gateway.url, path, known)
  expect(status).toBe(200)
  expect(Seen.parse(JSON.parse(body)).path).toBe(path)
})

test('without a token only the public routes answer', async () => {
  expect((await fetch(`${gateway.url}/api/v1/auth/login`)).status).toBe(200)
  for (const path of ['/api/v1/auth/login/', '/api/v1/auth/loginx', '/api/v1/users/7', '/api/v1/ws/ticket']) {
    const refused = await fetch(gateway.url + path)
    expect(refused.status).toBe(401)
    expect(await refused.json()).toEqual({ code: 'unauthenticated' })
  }
})

test('nobody can say who they are by a header', async () => {
  const forged = { 'X-User-Id': 'eve', 'X-User-Role': 'admin', 'X-Session-Id': 'eve' }
  const reach = async (path: string, headers: Record<string, string>) =>
    Seen.parse(JSON.parse((await sendRaw(gateway.url, path, headers)).body)).headers

  const stranger = await reach('/api/v1/auth/login', forged)
  expect(stranger).not.toContainAnyKeys(['x-user-id', 'x-user-role', 'x-session-id'])
  const ada = { 'x-user-id': 'ada', 'x-user-role': 'user', 'x-session-id': 'session-ada' }
  expect(await reach('/api/v1/users/7', { ...forged, ...known })).toMatchObject(ada)

  const hopByHop = { ...forged, ...known, Connection: 'close, X-User-Id, X-User-Role' }
  expect(Object.values(await reach('/api/v1/users/7', hopByHop))).not.toContain('eve')
  expect(Object.values(await reach('/api/v1/users/7', hopByHop))).not.toContain('admin')
})

test.each(['X_User_Id', 'X_User-Role', 'X.User.Id'])('a header named %s is refused', async (name) => {
  expect((await sendRaw(gateway.url, '/api/v1/users/7', { ...known, [name]: 'eve' })).status).toBe(400)
})

test('auth is told only what it needs', async () => {
  forwarded.length = 0
  const headers = { ...known, cookie: 'a=b', traceparent: '00-1-1-00', 'x-private': 'yes' }
  await fetch(`${gateway.url}/api/v1/users/7`, { headers })
  expect(forwarded[0]?.headers.toJSON()).toMatchObject({ ...known, cookie: 'a=b', traceparent: '00-1-1-00' })
  expect(forwarded[0]?.headers.has('x-private')).toBe(false)
})

test('5,000 headers are a 431, before anybody else must read them', async () => {
  forwarded.length = 0
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`x-many-${index}`, 'x']))
  expect((await sendRaw(gateway.url, '/api/v1/users/7', { ...known, ...many })).status).toBe(431)
  expect(forwarded).toHaveLength(0)
})

test('a browser elsewhere may ask, and auth is not bothered with the question', async () => {
  forwarded.length = 0
  const headers = {
    origin: 'https://app.example.org',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, idempotency-key',
  }
  const answer = await fetch(`${gateway.url}/api/v1/conversations`, { method: 'OPTIONS', headers })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(answer.headers.get('access-control-allow-methods')).toContain('POST')
  expect(answer.headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
  expect(forwarded).toHaveLength(0)
})

test('every answer carries the security headers, errors too', async () => {
  for (const path of ['/api/v1/users/7', '/nowhere']) {
    const { headers } = await fetch(gateway.url + path, { headers: known })
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  }
})

test('the API page shows itself without anything from outside', async () => {
  const page = await fetch(`${gateway.url}/docs`)
  expect(page.headers.get('content-type')).toStartWith('text/html')
  const html = await page.text()
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//)
  for (const [, asset = ''] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g))
    expect((await fetch(gateway.url + asset)).status).toBe(200)
  for (const path of ['/docs/../package.json', '/docs/openapi/../../package.json', '/docs/nothing'])
    expect((await sendRaw(gateway.url, path)).status).toBe(404)
})
