import { afterAll, expect, test } from 'bun:test'
import type { Socket } from 'node:net'
import { standIn, testGateway } from '@plaza/infra/gateway'
import { leaveUnfinished, serveForwardAuth } from './_stand-ins.ts'

// What one may have open would be enough to fill what a service is given at once.
const gateway = await testGateway({
  USER_IN_FLIGHT_LIMIT: '5',
  STRANGER_IN_FLIGHT_LIMIT: '5',
  IN_FLIGHT_LIMIT: '5',
  USER_RATE_BURST: '1000',
  TRUSTED_PROXIES: '127.0.0.1/32',
})
const forwardAuth = serveForwardAuth(gateway)
const held: (() => void)[] = []
const service = standIn(async (request) => {
  const { byteLength } = await request.arrayBuffer()
  if (request.url.endsWith('/held')) await new Promise<void>((resolve) => held.push(resolve))
  return new Response(String(byteLength))
})
await gateway.route({ auth: [service.url], message: [service.url], user: [service.url] })
afterAll(async () => {
  await Promise.all([gateway.stop(), forwardAuth.stop(), service.stop()])
})

const path = '/api/v1/messages'
const as = (user: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${user}`, ...more })
const post = (headers: Record<string, string>, body = '{}') =>
  fetch(gateway.url + path, { method: 'POST', headers, body })
const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await Bun.sleep(20)
}

test('requests that a user leaves unfinished keep out nobody else', async () => {
  const open: Socket[] = []
  await until(async () => {
    open.push(leaveUnfinished(gateway.url, path, as('ada')))
    return (await post(as('ada'))).status === 429
  })
  expect((await post(as('ada'))).status).toBe(429)
  expect((await post(as('ben'))).status).toBe(200)
  for (const socket of open) socket.destroy()
  await until(async () => (await post(as('ada'))).status === 200)
})

test('requests that a stranger leaves unfinished keep out no other address', async () => {
  const login = '/api/v1/auth/login'
  const [here, there] = [{ 'x-forwarded-for': '203.0.113.1' }, { 'x-forwarded-for': '203.0.113.2' }]
  const logIn = (headers: Record<string, string>) =>
    fetch(gateway.url + login, { method: 'POST', headers, body: '{}' })
  const open: Socket[] = []
  await until(async () => {
    open.push(leaveUnfinished(gateway.url, login, here))
    return (await logIn(here)).status === 429
  })
  expect((await logIn(here)).status).toBe(429)
  expect((await logIn(there)).status).toBe(200)
  for (const socket of open) socket.destroy()
  await until(async () => (await logIn(here)).status === 200)
})

test('a service is given no more at once than it can hold, whatever host is asked for', async () => {
  const hold = (index: number) =>
    fetch(`${gateway.url}/api/v1/users/held`, { headers: as(`user-${index}`, { host: `host-${index}` }) })
  const answers = Array.from({ length: 5 }, (_, index) => hold(index))
  await until(() => held.length === 5)
  expect((await hold(5)).status).toBe(429)
  for (const release of held.splice(0)) release()
  for (const answer of answers) expect((await answer).status).toBe(200)
})

test('a body of 1 MiB arrives whole, and one byte more is a 413', async () => {
  expect(await (await post(as('ben'), 'x'.repeat(1 << 20))).text()).toBe(String(1 << 20))
  const refused = await post(as('ben'), 'x'.repeat((1 << 20) + 1))
  expect(refused.status).toBe(413)
  expect(refused.headers.get('content-type')).toBe('application/problem+json')
  expect(await refused.json()).toMatchObject({ status: 413, code: 'invalid', reason: 'too_large' })
})
