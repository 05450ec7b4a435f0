import { expect, test } from 'bun:test'
import { ProblemBody } from '@plaza/kit/problem'
import { passwordHashes } from '../password-hashing.ts'
import { createWorld, expectProblem, logIn } from './_world.ts'

const { auth, deps, register, start } = await createWorld(import.meta.path, {
  LOGIN_ACCOUNT_LIMIT: '5',
  LOGIN_ACCOUNT_TOTAL_LIMIT: '12',
  LOGIN_IP_LIMIT: '8',
})

const attempt = (login: string, ip?: string, instance = auth, password = 'wrong') =>
  instance.client.api.v1.auth.login.$post(
    { json: { login, password } },
    { headers: ip ? { 'x-forwarded-for': ip } : {} },
  )
const hashes = async () => (await passwordHashes.get()).values[0]?.value ?? 0
const facts = async (answer: Response) => {
  const { requestId: _, ...body } = ProblemBody.parse(await answer.json())
  const headers = [...answer.headers.keys()].filter((name) => name !== 'date')
  return { status: answer.status, body, headers }
}

test('an unknown name or address gets the answer of a wrong password, after the same work', async () => {
  const person = await register()
  const answers = []
  for (const login of [
    person.login,
    person.user.email,
    'nobody.there',
    'nobody@example.org',
    'no such name!',
  ]) {
    const before = await hashes()
    answers.push(await facts(await fetchLogin(login)))
    expect((await hashes()) - before).toBe(1)
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(answers[0]?.status).toBe(401)
})

const fetchLogin = (login: string) =>
  fetch(`${auth.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login, password: 'wrong' }),
  })

test('guesses at one account are refused beyond the limit, all at once too, known or unknown alike', async () => {
  const person = await register()
  for (const login of [person.login, crypto.randomUUID()]) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => attempt(login)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(7)
  }
  const refused = await attempt(person.login, undefined, auth, person.password)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  await expectProblem(refused, 429, { code: 'limited', reason: 'too_many_attempts' })
})

test('no spelling of a name or address tells whether it is known', async () => {
  const person = await register()
  const unknown = `nobody-${crypto.randomUUID().slice(0, 8)}`
  const spellings = (text: string) => [
    text,
    text.toUpperCase(),
    ` ${text}`,
    text.replace('n', 'N'),
    text.replace('e', 'E'),
    text,
    text.toUpperCase(),
  ]
  for (const login of [person.login, unknown, person.user.email, `${unknown}@example.org`]) {
    const statuses = []
    for (const spelling of spellings(login)) statuses.push((await attempt(spelling)).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  }
})

test('guesses from one address leave the owner their own tries, and those from many are refused beyond a limit, too', async () => {
  const person = await register()
  const guess = (from: string) => attempt(person.login, from)
  const statuses = []
  for (const from of ['192.0.2.1', '192.0.2.2']) {
    for (let count = 0; count < 7; count += 1) statuses.push((await guess(from)).status)
    expect(statuses.splice(0)).toEqual([401, 401, 401, 401, 401, 429, 429])
  }
  await logIn(auth, person)
  for (let count = 0; count < 12; count += 1) expect((await guess(`198.51.100.${count}`)).status).toBe(401)
  expect((await guess('198.51.100.99')).status).toBe(429)
})

test('the right password clears the count of the account', async () => {
  const person = await register()
  for (let round = 0; round < 3; round += 1) {
    for (let wrong = 0; wrong < 4; wrong += 1) expect((await attempt(person.login)).status).toBe(401)
    await logIn(auth, person)
  }
})

test('guesses from one address at many accounts are refused beyond the limit; others are not', async () => {
  const person = await register()
  for (let guess = 0; guess < 8; guess += 1)
    expect((await attempt(crypto.randomUUID(), '2001:db8::1')).status).toBe(401)
  // The neighbour shares the first 64 bits.
  expect((await attempt(person.login, '2001:db8::2', auth, person.password)).status).toBe(429)
  expect((await attempt(person.login, '2001:db8:0:1::2', auth, person.password)).status).toBe(200)
})

test('guesses at the password from inside a session count, too', async () => {
  const person = await register()
  const guess = () => auth.as(person).api.v1.auth.me.$delete({ json: { password: 'wrong' } })
  const statuses = []
  for (let round = 0; round < 7; round += 1) statuses.push((await guess()).status)
  expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429])
})

test('the counts are shared by the instances', async () => {
  const person = await register()
  const second = await start()
  for (let round = 0; round < 5; round += 1)
    expect((await attempt(person.login, undefined, round % 2 ? auth : second)).status).toBe(401)
  expect((await attempt(person.login)).status).toBe(429)
  expect((await attempt(person.login, undefined, second)).status).toBe(429)
  await second.stop()
})

test('with Redis away people log in, and guesses are still refused', async () => {
  const person = await register()
  await deps.parts.redis.kill()
  try {
    await logIn(auth, person)
    const statuses = []
    for (let round = 0; round < 7; round += 1) statuses.push((await attempt(person.login)).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  } finally {
    await deps.parts.redis.restart()
  }
})

test('beyond the bounded queue of passwords to hash the answer is 429, and nobody who waits is forgotten', async () => {
  const narrow = await start({ HASH_CONCURRENCY: '1', HASH_QUEUE_LIMIT: '3' })
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => attempt(crypto.randomUUID(), undefined, narrow)),
  )
  const refused = answers.filter(({ status }) => status === 429)
  const answered = answers.filter(({ status }) => status === 401)
  expect(refused.length + answered.length).toBe(30)
  expect(refused.length).toBeGreaterThan(0)
  expect(answered.length).toBeGreaterThanOrEqual(4)
  for (const answer of refused) await expectProblem(answer, 429, { code: 'limited', reason: 'busy' })
  await narrow.stop()
})
