import { afterAll, expect, test } from 'bun:test'
import { type ClientHttp2Session, connect } from 'node:http2'
import { testGateway } from '@plaza/infra/gateway'
import { freePort } from '@plaza/infra/ports'
import { eventually } from '@plaza/kit/testing'
import { Session } from '../schema.ts'
import { createWorld, expectProblem } from './_world.ts'

const gateway = await testGateway({ USER_RATE_AVERAGE: '100000', USER_RATE_BURST: '100000' })
afterAll(() => gateway.stop())
const { certificate, key, authority } = gateway.certificates
const { auth, start, sql, register } = await createWorld(import.meta.path, {
  FORWARD_AUTH_PORT: String(gateway.authPort),
  TLS_CERT: certificate,
  TLS_KEY: key,
})

/** Stands behind the gateway and says what it was told of the caller. */
const behind = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: ({ headers }) =>
    Response.json({
      user: headers.get('x-user-id'),
      role: headers.get('x-user-role'),
      session: headers.get('x-session-id'),
    }),
})
afterAll(() => behind.stop(true))
await gateway.route({ user: [behind.url.origin], auth: [auth.url] })

const ask = (token?: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/api/v1/contacts`, {
    headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
  })

test('through the gateway: the identity of a good token, whatever the caller claims to be', async () => {
  const person = await register()
  const forged = { 'x-user-id': 'root', 'x-user-role': 'admin', 'x-session-id': 'x' }
  const answer = await ask(person.accessToken, forged)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ user: person.user.id, role: 'user', session: person.sessionId })
})

test('through the gateway: 401 as problem+json without a good token, at once after logout', async () => {
  const person = await register()
  await expectProblem(await ask(), 401, { code: 'unauthenticated' })
  await expectProblem(await ask('x.y.z'), 401, { code: 'unauthenticated', reason: 'token_invalid' })
  expect((await ask(person.accessToken)).status).toBe(200)
  await auth.as(person).api.v1.auth.logout.$post()
  await expectProblem(await ask(person.accessToken), 401, { code: 'unauthenticated', reason: 'revoked' })
})

test("through the gateway: a refusal carries the request's id, as every other problem does", async () => {
  const refused = await ask(undefined, { 'x-request-id': 'abcd-1234' })
  expect(refused.headers.get('x-request-id')).toBe('abcd-1234')
  expect(await refused.json()).toMatchObject({ requestId: 'abcd-1234' })
  const unnamed = await ask()
  expect(await unnamed.json()).toMatchObject({ requestId: unnamed.headers.get('x-request-id') })
})

test('over one connection of HTTP/2 with TLS, many at once', async () => {
  const person = await register()
  const session = connect(`https://127.0.0.1:${gateway.authPort}`, { ca: authority })
  try {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => get(session, index % 2 ? person.accessToken : 'x')),
    )
    expect(session.alpnProtocol).toBe('h2')
    expect(answers.filter(({ status, userId }) => status === 200 && userId === person.user.id)).toHaveLength(
      100,
    )
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(100)
    expect((await get(session, person.accessToken, '/internal/v1/other')).status).toBe(404)
  } finally {
    session.close()
  }
})

test('what passes is noted as the last use of its session', async () => {
  const brief = await start({ PORT: '0' })
  const person = await register(brief)
  await sql`update sessions set last_used_at = now() - interval '1 hour' where id = ${person.sessionId}`
  await eventually(async () => {
    expect((await ask(person.accessToken)).status).toBe(200)
  })
  // Uses are written at the latest when an instance stops; both share the port, so stop both.
  await Promise.all([brief.stop(), auth.stop()])
  const [row] =
    await sql`select last_used_at > now() - interval '1 minute' as noted from sessions where id = ${person.sessionId}`
  expect(row?.noted).toBe(true)
  await start()
})

test('two instances restarted in turn under load: every request is answered 200', async () => {
  let [one, other] = [await start(), await start()]
  const person = await register(one)
  const statuses = new Map<number, number>()
  let running = true
  const load = Array.from({ length: 8 }, async () => {
    while (running) {
      const { status } = await ask(person.accessToken)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  const served = async (more: number) => {
    const goal = (statuses.get(200) ?? 0) + more
    await eventually(() => expect(statuses.get(200) ?? 0).toBeGreaterThan(goal))
  }
  for (let round = 0; round < 2; round += 1) {
    await served(300)
    await one.stop()
    await served(300)
    one = await start()
    await served(300)
    await other.stop()
    await served(300)
    other = await start()
  }
  running = false
  await Promise.all(load)
  expect([...statuses.keys()]).toEqual([200])
}, 60_000)

test('an instance that stops answers what it was asked before', async () => {
  const port = await freePort()
  const leaving = await start({ FORWARD_AUTH_PORT: String(port) })
  const person = await register(leaving)
  const tokens: string[] = []
  for (let { refreshToken } = person; tokens.length < 100; ) {
    const answer = await leaving.client.api.v1.auth.refresh.$post({ json: { refreshToken } })
    const session = Session.parse(await answer.json())
    tokens.push(session.accessToken)
    refreshToken = session.refreshToken
  }
  const session = connect(`https://127.0.0.1:${port}`, { ca: authority })
  // No token was seen before, so each takes a moment to verify; the first answer says that all have arrived.
  const answers = tokens.map((token) => get(session, token))
  await Promise.race(answers)
  const stopped = leaving.stop()
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(100).fill(200))
  session.close()
  await stopped
})

test('without a certificate nobody listens', async () => {
  const quiet = await start({ TLS_CERT: '', TLS_KEY: '', FORWARD_AUTH_PORT: '1' })
  expect((await fetch(`${quiet.url}/health/ready`)).status).toBe(200)
  await quiet.stop()
})

function get(session: ClientHttp2Session, token: string, path = '/internal/v1/forward-auth') {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; userId: unknown }>()
  const stream = session.request({ ':path': path, authorization: `Bearer ${token}` })
  stream.on('error', reject)
  stream.on('response', (headers) =>
    resolve({ status: Number(headers[':status']), userId: headers['x-user-id'] }),
  )
  stream.resume()
  stream.end()
  return promise
}
