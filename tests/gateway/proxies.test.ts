import { afterAll, expect, test } from 'bun:test'
import { standIn, testGateway } from '@plaza/infra/gateway'
import { echo, Seen } from './_stand-ins.ts'

const limit = { CREDENTIAL_LIMIT: '3' }
const [trusting, direct] = await Promise.all([
  testGateway({ ...limit, TRUSTED_PROXIES: '127.0.0.1/32, 2001:db8::/32' }),
  // A proxy that is none of ours.
  testGateway({ ...limit, TRUSTED_PROXIES: '192.0.2.1/32', PROXY_DEPTH: '1' }),
])
const service = standIn(echo)
await Promise.all([trusting, direct].map((gateway) => gateway.route({ auth: [service.url] })))
afterAll(async () => {
  await Promise.all([trusting.stop(), direct.stop(), service.stop()])
})

/** As a proxy that adds whom it heard to what came with the request. */
const ask = (gateway: { url: string }, heard: string, claimed = '') =>
  fetch(`${gateway.url}/api/v1/auth/login`, {
    headers: { 'x-forwarded-for': claimed ? `${claimed}, ${heard}` : heard },
  })
const statuses = async (answers: Promise<Response>[]) =>
  (await Promise.all(answers)).map(({ status }) => status).sort()

test('visitors behind a trusted proxy have budgets of their own, whatever addresses they claim', async () => {
  const askAsAda = (claimed?: string) => ask(trusting, '203.0.113.1', claimed)
  // Alone, for Traefik makes the count of a new address without a lock: its very first at once have each their own.
  expect((await askAsAda()).status).toBe(200)
  const claims = ['198.51.100.1', '198.51.100.2', '198.51.100.3']
  expect(await statuses(claims.map(askAsAda))).toEqual([200, 200, 429])
  expect((await ask(trusting, '203.0.113.2')).status).toBe(200)
})

test('a service is told whom the proxy heard, then the proxy', async () => {
  const { headers } = Seen.parse(await (await ask(trusting, '203.0.113.3', '6.6.6.6')).json())
  expect(headers['x-forwarded-for']).toBe('6.6.6.6, 203.0.113.3, 127.0.0.1')
})

test('who is no trusted proxy is known by the connection, whatever it says of others', async () => {
  const { headers } = Seen.parse(await (await ask(direct, '203.0.113.1', '6.6.6.6')).json())
  expect(headers['x-forwarded-for']).toBe('127.0.0.1')
  expect(headers['x-real-ip']).toBe('127.0.0.1')
  const others = ['203.0.113.2', '203.0.113.3', '203.0.113.4']
  expect(await statuses(others.map((heard) => ask(direct, heard)))).toEqual([200, 200, 429])
})
