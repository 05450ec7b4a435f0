import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { Session } from '../schema.ts'
import { createWorld, expectProblem, password } from '../tests/_world.ts'

const { auth, sql, eventsAbout, tokenMailed } = await createWorld(import.meta.path)

type Body = { username: string; email: string; password: string; device?: { name: string } }
const send = (json: Body) => auth.client.api.v1.auth.register.$post({ json })
const unique = () => `u${crypto.randomUUID().slice(0, 8)}`
const body = (more: Partial<Body> = {}): Body => ({
  username: unique(),
  email: `${unique()}@example.org`,
  password,
  ...more,
})

test('201: an account, its session, its event and a mail come of one request', async () => {
  const answer = await send(body({ username: 'Анна.Каренина', device: { name: 'phone' } }))
  expect(answer.status).toBe(201)
  const session = Session.parse(await answer.json())
  const { id: userId } = session.user
  const [row] = await sql`select username, password_hash, role from users where id = ${userId}`
  expect(row).toMatchObject({ username: 'Анна.Каренина', role: 'user' })
  expect(row?.passwordHash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')
  const [device] = await sql`select device_name, current_hash from sessions where id = ${session.sessionId}`
  expect(device?.deviceName).toBe('phone')
  expect(Buffer.from(device?.currentHash).toString('base64url')).not.toBe(session.refreshToken)
  await eventually(async () =>
    expect(await eventsAbout('user.registered', userId)).toMatchObject([
      { data: { userId, username: 'Анна.Каренина', createdAt: session.user.createdAt } },
    ]),
  )
  expect(await tokenMailed(session.user.email, 'Confirm your e-mail address')).toBeTruthy()
})

test('409: a name is taken in every case, width and look-alike script', async () => {
  const first = await send(body({ username: 'Cosy' }))
  expect(first.status).toBe(201)
  for (const username of ['cosy', 'COSY', 'ｃｏｓｙ', 'соѕу'])
    await expectProblem(await send(body({ username })), 409, { code: 'conflict', reason: 'username_taken' })
})

test('409: a name is taken that looks the same in capitals, or with an accent or digit that does not show', async () => {
  for (const username of ['KATO', 'TOMEK', 'alice', 'Karl'])
    expect((await send(body({ username }))).status).toBe(201)
  for (const username of ['ΚΑΤΟ', 'ТОМЕК', 'ali\u0307ce', 'ɑlice', 'a1ice', 'KarI'])
    await expectProblem(await send(body({ username })), 409, { code: 'conflict', reason: 'username_taken' })
  expect((await send(body({ username: 'Kari' }))).status).toBe(201)
})

test('one of two who ask for names that look alike at the same time gets it', async () => {
  // Any two of them look alike: of three, where two do not, both of those may come first.
  const names = ['maxim', 'MAXIM', 'Maxim', 'МАХІМ', 'maxIm', 'maxi\u0307m']
  const answers = await Promise.all(names.map((username) => send(body({ username }))))
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
})

test('409: an address is taken in every case', async () => {
  const email = `${unique()}@Example.org`
  expect((await send(body({ email }))).status).toBe(201)
  await expectProblem(await send(body({ email: email.toUpperCase() })), 409, {
    code: 'conflict',
    reason: 'email_taken',
  })
})

test('one of two who ask for a name at the same time gets it', async () => {
  const username = unique()
  const answers = await Promise.all(Array.from({ length: 6 }, () => send(body({ username }))))
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
})

test('400: names of two scripts, with blanks or signs, too short or too long', async () => {
  for (const username of [
    'pаypal',
    'a b c',
    'a@b.c',
    'ab',
    'x'.repeat(33),
    '.abc',
    'a..b',
    'ab\u3164c',
    'a\0bc',
    'ᴠiᴄᴏ',
    'ǀuca',
  ])
    await expectProblem(await send(body({ username })), 400, { code: 'invalid' })
})

test('400: passwords that are short, long, or easy to guess', async () => {
  for (const weak of ['short', 'x'.repeat(129)])
    await expectProblem(await send(body({ password: weak })), 400, { code: 'invalid' })
  const username = unique()
  for (const weak of ['password123', 'P@ssw0rd!', 'aaaaaaaaaaaaaaaa', `${username}1`])
    await expectProblem(await send(body({ username, password: weak })), 400, {
      code: 'invalid',
      reason: 'password_weak',
    })
})

test('whether an address has an account is told to nobody who only asks', async () => {
  const known = body()
  expect((await send(known)).status).toBe(201)
  const weak = { email: known.email, password: 'aaaaaaaaaaaaaaaa' }
  await expectProblem(await send(body(weak)), 400, { code: 'invalid', reason: 'password_weak' })
  await expectProblem(await send(body({ email: known.email })), 409, {
    code: 'conflict',
    reason: 'email_taken',
  })
})

test('400: what is no address, no JSON, or holds half a character', async () => {
  for (const email of ['nobody', 'a@b', 'a b@example.org', '\ud800@example.org'])
    await expectProblem(await send(body({ email })), 400, { code: 'invalid' })
  const raw = (text: string) =>
    fetch(`${auth.url}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    })
  for (const text of ['{', '[]', 'null', '{"username":1}'])
    await expectProblem(await raw(text), 400, { code: 'invalid' })
})
