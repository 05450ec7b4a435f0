import { afterAll, expect, test } from 'bun:test'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { standIn, testGateway } from '@plaza/infra/gateway'
import { echo, leaveUnfinished, sendLines, serveForwardAuth, serveMoody } from './_stand-ins.ts'

const gateway = await testGateway({
  USER_RATE_BURST: '100000',
  BREAKER_OPEN: '500ms',
  BREAKER_RECOVERY: '500ms',
})
const service = standIn(echo)
afterAll(async () => {
  await Promise.all([gateway.stop(), service.stop()])
})

const headers = { authorization: 'Bearer ada' }
const get = (path: string) => fetch(gateway.url + path, { headers })
const expectUnavailable = async (answer: Response) => {
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(await answer.json()).toMatchObject({
    status: 503,
    code: 'unavailable',
    requestId: expect.any(String),
  })
}
const until = async (holds: () => Promise<boolean>) => {
  while (!(await holds())) await Bun.sleep(20)
}

test('a dead service is a 503 on its routes while the others go on', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  const relay = standIn(echo)
  await gateway.route({ user: [service.url], relay: [relay.url] })
  expect((await get('/api/v1/queue')).status).toBe(200)

  await relay.stop()
  await expectUnavailable(await get('/api/v1/queue'))
  expect((await get('/api/v1/users/7')).status).toBe(200)
  await forwardAuth.stop()
})

test('a service of which no instance is well is a 503 of the gateway, and is not asked', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  const state = { ready: true, asked: 0 }
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ url }) => {
      if (url.endsWith('/health/ready')) return new Response(null, { status: state.ready ? 200 : 503 })
      state.asked += 1
      return new Response('fine')
    },
  })
  await gateway.route({ relay: [`http://127.0.0.1:${server.port}`] })
  expect((await get('/api/v1/queue')).status).toBe(200)

  state.ready = false
  await until(async () => (await get('/api/v1/queue')).status !== 200)
  const { asked } = state
  await expectUnavailable(await get('/api/v1/queue'))
  expect(state.asked).toBe(asked)

  state.ready = true
  await until(async () => (await get('/api/v1/queue')).status === 200)
  await Promise.all([server.stop(true), forwardAuth.stop()])
})

test("a service's own 503 says why, and when to come again", async () => {
  const forwardAuth = serveForwardAuth(gateway)
  const body = { type: 'about:blank', status: 503, code: 'unavailable', reason: 'overloaded' }
  const busy = standIn(() => Response.json(body, { status: 503, headers: { 'retry-after': '7' } }))
  await gateway.route({ message: [busy.url], auth: [busy.url] })
  for (const path of ['/api/v1/search/messages', '/.well-known/jwks.json']) {
    const answer = await get(path)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('7')
    expect(await answer.json()).toEqual(body)
  }
  await Promise.all([busy.stop(), forwardAuth.stop()])
})

test('auth away is a 503, not a 500', async () => {
  await gateway.route({ user: [service.url] })
  await expectUnavailable(await get('/api/v1/users/7'))
  const forwardAuth = serveForwardAuth(gateway)
  await until(async () => (await get('/api/v1/users/7')).status === 200)
  await forwardAuth.stop()
})

test('the breaker spares a service that does not answer, and closes when it does', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  const moody = await serveMoody()
  await gateway.route({ message: [moody.url] })
  expect((await get('/api/v1/messages/7')).status).toBe(200)

  moody.mood.well = false
  await until(async () => {
    const before = moody.mood.asked
    await expectUnavailable(await get('/api/v1/messages/7'))
    return moody.mood.asked === before
  })

  moody.mood.well = true
  await until(async () => (await get('/api/v1/messages/7')).status === 200)
  moody.stop()
  await forwardAuth.stop()
})

test('requests that are cut short are no sign of a dead service', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  await gateway.route({ websocket: [service.url] })
  const ticket = '/api/v1/ws/ticket'
  const open = Array.from({ length: 40 }, () => leaveUnfinished(gateway.url, ticket, headers))
  await Bun.sleep(100)
  for (const socket of open) socket.destroy()
  for (let check = 0; check < 10; check++) {
    expect((await get(ticket)).status).toBe(200)
    await Bun.sleep(50)
  }
  await forwardAuth.stop()
})

test('methods that nobody knows are a 404, and no sign of a dead service', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  await gateway.route({ auth: [service.url] })
  const line = (method: string) => [`${method} /api/v1/auth/refresh HTTP/1.1`, 'Host: plaza']
  for (let n = 0; n < 40; n += 1)
    for (const method of ['BREW', 'get']) {
      const { status, body } = await sendLines(gateway.url, line(method))
      expect(status).toBe(404)
      expect(JSON.parse(body)).toMatchObject({ status: 404, code: 'not_found' })
      expect((await sendLines(gateway.url, line('GET'))).status).toBe(200)
    }
  await forwardAuth.stop()
})

test('a host that cannot be harms no answer', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  await gateway.route({ auth: [service.url] })
  for (const host of ['%00', 'x:99999', '[::1', '1.2.3.4.5', 'xn--a', 'a:b:c']) {
    const ask = async (path: string) =>
      await sendLines(gateway.url, [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Authorization: Bearer ada'])
    expect((await ask('/api/v1/auth/me')).status).toBe(200)
    expect((await ask('/.well-known/jwks.json')).status).toBe(200)
    const { status, body } = await ask('/elsewhere')
    expect(status).toBe(404)
    expect(JSON.parse(body)).toMatchObject({ status: 404, code: 'not_found' })
  }
  await forwardAuth.stop()
})

test('the other instance takes what the first no longer can', async () => {
  const forwardAuth = serveForwardAuth(gateway)
  const [first, second] = [standIn(echo), standIn(echo)]
  await gateway.route({ user: [first.url, second.url] })
  await first.stop()
  await until(async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/api/v1/users/7')))
    return answers.every(({ status }) => status === 200)
  })
  await second.stop()
  await forwardAuth.stop()
})

// Making a key takes Traefik up to a second, in which its routes are not there yet.
test('Traefik is given a certificate and makes none at its start', async () => {
  const socket = connect({ port: Number(new URL(gateway.url).port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  expect(socket.getPeerCertificate().issuer.CN).toBe('Plaza')
  socket.destroy()
})
