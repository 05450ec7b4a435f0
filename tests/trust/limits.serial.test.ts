import { afterAll, expect, test } from 'bun:test'
import { instancesOf } from '../instances.ts'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { call, register } from './_people.ts'
import { sendLines } from './_socket.ts'

// An empty variable is one that nobody has set: these are the gateway's own numbers.
const plaza = await startPlaza({
  env: {
    CREDENTIAL_LIMIT: '',
    ADDRESS_RATE_AVERAGE: '',
    ADDRESS_RATE_BURST: '',
    STRANGER_RATE_AVERAGE: '',
    STRANGER_RATE_BURST: '',
    STRANGER_IN_FLIGHT_LIMIT: '',
    USER_RATE_AVERAGE: '',
    USER_RATE_BURST: '',
    USER_IN_FLIGHT_LIMIT: '',
  },
})
afterAll(() => plaza.stop())
const { url } = plaza

const ada = await register(url)
const ben = await register(url)
const cid = await register(url)
/** How often one may guess at an account. */
const accountLimit = 20
/** Of 100 credential requests in 15 minutes from this address these were the first: three registrations, and the guesses. */
const left = 100 - 3 - (accountLimit + 1)

const burst = 200
const average = 50
const eager = 600

/** Fewer than one may have open at once, which has a limit of its own. */
const atOnce = 50

const countLimited = async (ask: (count: number) => Promise<Response>) => {
  const answers: Response[] = []
  let asked = 0
  const askOn = async () => {
    while (asked < eager) answers.push(await ask(asked++))
  }
  await Promise.all(Array.from({ length: atOnce }, askOn))
  const limited = answers.filter(({ status }) => status === 429)
  expect(limited.map(({ headers }) => Number(headers.get('retry-after'))).every((after) => after > 0)).toBe(
    true,
  )
  return { limited: limited.length, other: new Set(answers.map(({ status }) => status)) }
}

test('whoever asks too much is told so, and whatever they claim to be takes nothing from another', async () => {
  const claim = { 'x-user-id': ben.id, 'x-user-role': 'admin' }
  const { limited, other } = await countLimited((count) =>
    fetch(`${url}/api/v1/me/privacy`, {
      headers: {
        authorization: `Bearer ${ada.accessToken}`,
        ...(count % 2 ? claim : { 'x-user-id': crypto.randomUUID() }),
      },
    }),
  )
  expect(other).toEqual(new Set([200, 429]))
  expect(limited).toBeGreaterThan(0)
  expect(eager - limited).toBeGreaterThanOrEqual(burst)
  const bens = Array.from({ length: 50 }, () => call(url, 'GET', '/api/v1/me/privacy', ben.accessToken))
  expect((await Promise.all(bens)).filter(({ status }) => status !== 200)).toEqual([])
})

test('a header named as hop by hop buys nobody a second budget', async () => {
  const bearer = `Authorization: Bearer ${cid.accessToken}`
  const plain = [bearer]
  const stripped = [bearer, 'Connection: close, X-User-Id, X-User-Role, X-Session-Id, X-Forwarded-For']
  const startedAt = performance.now()
  const answers = await Promise.all(
    Array.from({ length: eager }, (_, count) =>
      sendLines(url, 'GET /api/v1/me/privacy HTTP/1.1', count % 2 ? plain : stripped),
    ),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  const taken = answers.filter(({ status }) => status === 200).length
  expect(answers.length - taken).toBe(answers.filter(({ status }) => status === 429).length)
  expect(taken).toBeLessThanOrEqual(burst + average * (seconds + 1))
})

test('strangers share the budget of their address, whatever address they claim', async () => {
  const { limited, other } = await countLimited((count) =>
    fetch(`${url}/.well-known/jwks.json`, {
      headers: { 'x-forwarded-for': `10.0.0.${count % 250}`, 'x-real-ip': `10.0.1.${count % 250}` },
    }),
  )
  expect(other).toEqual(new Set([200, 429]))
  expect(limited).toBeGreaterThan(0)
  // A stranger's eagerness is no burden to whoever is logged in.
  expect((await call(url, 'GET', '/api/v1/me/privacy', ben.accessToken)).status).toBe(200)
})

test('who guesses at one account is told for how long that is over', async () => {
  const guess = () =>
    fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ login: 'somebody', password: 'wrong' }),
    })
  for (let count = 0; count < accountLimit; count += 1) expect((await guess()).status).toBe(401)
  const refused = await guess()
  expect(refused.headers.get('content-type')).toBe('application/problem+json')
  expect(Number(refused.headers.get('retry-after'))).toBeWithin(600, 901)
  expect(await refused.json()).toMatchObject({ status: 429, code: 'limited', reason: 'too_many_attempts' })
})

test('a hundred tries of credentials an address in 15 minutes, and then 429', async () => {
  const token = 'A'.repeat(43)
  const attempt = (count: number) =>
    fetch(`${url}/api/v1/auth/email/verify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.0.0.${count}` },
      body: JSON.stringify({ token }),
    })
  const statuses: number[] = []
  for (let count = 0; count < left; count += 1) statuses.push((await attempt(count)).status)
  expect(new Set(statuses)).toEqual(new Set([400]))
  // While these were made, some room may have come back: one try in nine seconds.
  let last = await attempt(0)
  for (let extra = 0; last.status !== 429 && extra < 20; extra += 1) last = await attempt(extra)
  expect(last.status).toBe(429)
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
  // Whoever is logged in stays so, however many share the address.
  expect((await call(url, 'GET', '/api/v1/auth/me', ben.accessToken)).status).toBe(200)
  const refreshed = await fetch(`${url}/api/v1/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken: token }),
  })
  expect(refreshed.status).toBe(401)
})

test('nothing unexpected happened', async () => {
  const instances = await instancesOf(plaza)
  expect(await unexpectedErrors(instances.map(({ url }) => Number(new URL(url).port)))).toBe(0)
})
