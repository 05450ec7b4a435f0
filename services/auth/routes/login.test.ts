import { expect, test } from 'bun:test'
import { decodeJwt } from 'jose'
import { Session } from '../schema.ts'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, sql, start, register, createAdmin } = await createWorld(import.meta.path)

const send = (login: string, password: string, headers: Record<string, string> = {}) =>
  auth.client.api.v1.auth.login.$post({ json: { login, password, device: { name: 'laptop' } } }, { headers })

test('200: by name or address, in any case, with a session row of its own', async () => {
  const person = await register()
  for (const login of [person.login.toUpperCase(), person.user.email.toUpperCase()]) {
    const answer = await send(login, person.password, {
      'x-forwarded-for': '192.0.2.7',
      'user-agent': 'Test/1',
    })
    expect(answer.status).toBe(200)
    const session = Session.parse(await answer.json())
    const [row] = await sql`
      select user_id, device_name, ip, user_agent from sessions where id = ${session.sessionId}`
    expect(row).toEqual({
      userId: person.user.id,
      deviceName: 'laptop',
      ip: '192.0.2.7',
      userAgent: 'Test/1',
    })
  }
})

test('200: by an address that is written in wide characters, as it may be to register', async () => {
  const person = await register()
  const wide = person.user.email.replace('@', '\uff20').replace('.', '\uff0e')
  expect((await send(wide, person.password)).status).toBe(200)
})

test('the access token says who, in which session and role, when to fractions of a second, and dies in time', async () => {
  const person = await register()
  const { iss, aud, sub, sid, role, iat = 0, exp = 0, jti } = decodeJwt(person.accessToken)
  expect({ iss, aud, sub, sid, role }).toEqual({
    iss: 'plaza',
    aud: 'plaza',
    sub: person.user.id,
    sid: person.sessionId,
    role: 'user',
  })
  expect(iat % 1).not.toBe(0)
  expect(exp - iat).toBeLessThanOrEqual(900)
  expect(jti).toBeString()
  expect(new Date(exp * 1_000).toISOString()).toBe(person.expiresAt)
})

test('401: a wrong password; 400: none', async () => {
  const person = await register()
  await expectProblem(await send(person.login, 'wrong'), 401, {
    code: 'unauthenticated',
    reason: 'credentials_wrong',
  })
  await expectProblem(await send(person.login, ''), 400, { code: 'invalid' })
})

test('403: somebody banned, and only after the right password', async () => {
  const [person, admin] = await Promise.all([register(), createAdmin()])
  const param = { userId: person.user.id }
  await auth.as(admin).api.v1.admin.users[':userId'].ban.$put({ param, json: { reason: 'spam' } })
  await expectProblem(await send(person.login, person.password), 403, { code: 'forbidden', reason: 'banned' })
  await expectProblem(await send(person.login, 'wrong'), 401, { code: 'unauthenticated' })
  await auth.as(admin).api.v1.admin.users[':userId'].ban.$delete({ param })
  expect((await logIn(auth, person)).user.id).toBe(person.user.id)
})

test('beyond the limit of sessions the one unused for longest ends, and its tokens are void', async () => {
  const narrow = await start({ SESSION_LIMIT: '3' })
  const first = await register(narrow)
  const second = await logIn(narrow, first)
  const third = await logIn(narrow, first)
  await sql`update sessions set last_used_at = now() - interval '1 hour' where id = ${second.sessionId}`
  const fourth = await logIn(narrow, first)
  const rows = await sql`
    select id, end_reason from sessions where user_id = ${first.user.id} and ended_at is not null`
  expect([...rows]).toEqual([{ id: second.sessionId, endReason: 'limit' }])
  await expectProblem(await narrow.as(second).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  for (const person of [first, third, fourth])
    expect((await narrow.as(person).api.v1.auth.me.$get()).status).toBe(200)
})
