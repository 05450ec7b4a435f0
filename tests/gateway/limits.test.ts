import { afterAll, expect, test } from 'bun:test'
import { standIn, testGateway } from '@plaza/infra/gateway'
import { echo, serveForwardAuth } from './_stand-ins.ts'

// The credential limit is the one that nobody set.
const gateway = await testGateway({
  USER_RATE_AVERAGE: '1',
  USER_RATE_BURST: '5',
  ADDRESS_RATE_AVERAGE: '1',
  ADDRESS_RATE_BURST: '60',
})
let asked = 0
const forwardAuth = serveForwardAuth(gateway, () => {
  asked += 1
})
const service = standIn(echo)
await gateway.route({ auth: [service.url], user: [service.url], websocket: [service.url] })
afterAll(async () => {
  await Promise.all([gateway.stop(), forwardAuth.stop(), service.stop()])
})

const statuses = (count: number, path: string, headers: Record<string, string> = {}) =>
  Promise.all(
    Array.from({ length: count }, async () => (await fetch(gateway.url + path, { headers })).status),
  )

test('100 tries of credentials an address, whichever endpoint and spelling, and then 429', async () => {
  const paths = [
    '/api/v1/auth/login',
    '/api/auth/login',
    '/api/v1/auth/register',
    '/api/v1/auth/password/reset',
  ]
  // Of an address's very first requests, Traefik counts those that come at once each by itself.
  expect(await statuses(1, '/api/v1/auth/login')).toEqual([200])
  const answers = (await Promise.all(paths.map((path) => statuses(26, path)))).flat()
  expect(answers.filter((status) => status === 200)).toHaveLength(99)
  expect(answers.filter((status) => status === 429)).toHaveLength(5)

  const refused = await fetch(`${gateway.url}/api/v1/auth/login`, { method: 'POST' })
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeWithin(1, 10)
  // Whoever is logged in stays so, however many share the address.
  expect(await statuses(1, '/api/v1/auth/refresh')).toEqual([200])
  expect(await statuses(1, '/.well-known/jwks.json')).toEqual([200])
})

test('one who uses up their budget takes nothing from another', async () => {
  const [ada, bob] = [{ authorization: 'Bearer ada' }, { authorization: 'Bearer bob' }]
  const ofAda = await statuses(40, '/api/v1/users/7', ada)
  expect(ofAda.filter((status) => status === 429).length).toBeGreaterThan(30)
  expect(await statuses(5, '/api/v1/users/7', bob)).toEqual([200, 200, 200, 200, 200])
})

test('whoever brings one token after the other asks auth no oftener than an address may', async () => {
  asked = 0
  const answers = await Promise.all(
    Array.from({ length: 120 }, async (_, index) => {
      const headers = { authorization: `Bearer forged-${index}` }
      return (await fetch(`${gateway.url}/api/v1/users/${index}`, { headers })).status
    }),
  )
  expect(answers.filter((status) => status === 429).length).toBeGreaterThan(50)
  expect(asked).toBeLessThan(70)
})
