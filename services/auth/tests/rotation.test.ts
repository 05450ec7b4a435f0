import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { Session } from '../schema.ts'
import { createWorld, expectProblem } from './_world.ts'

const { auth, start, sql, register, revocationOf } = await createWorld(import.meta.path)
const second = await start()

const send = (refreshToken: string, instance = auth) =>
  instance.client.api.v1.auth.refresh.$post({ json: { refreshToken } })
const rotate = async (refreshToken: string) => {
  const answer = await send(refreshToken)
  expect(answer.status).toBe(200)
  return Session.parse(await answer.json())
}
const openSessions = (userId: string) =>
  sql`select id from sessions where user_id = ${userId} and ended_at is null`

test('a lost answer is no theft: the same token is good again until its successor is used, and voids it', async () => {
  const person = await register()
  const lost = await rotate(person.refreshToken)
  const lostToo = await rotate(person.refreshToken)
  const arrived = await rotate(person.refreshToken)
  expect(new Set([lost, lostToo, arrived].map(({ refreshToken }) => refreshToken)).size).toBe(3)
  const next = await rotate(arrived.refreshToken)
  expect(await openSessions(person.user.id)).toHaveLength(1)
  expect((await auth.as(next).api.v1.auth.me.$get()).status).toBe(200)
})

test('a token whose successor was used is a stolen one: the session ends for thief and owner, and an event says so', async () => {
  const person = await register()
  const owners = await rotate(person.refreshToken)
  const owner = await rotate(owners.refreshToken)
  await expectProblem(await send(person.refreshToken), 401, {
    code: 'unauthenticated',
    reason: 'refresh_token_reused',
  })
  await expectProblem(await send(owner.refreshToken), 401, {
    code: 'unauthenticated',
    reason: 'refresh_token_invalid',
  })
  await expectProblem(await auth.as(owner).api.v1.auth.me.$get(), 401, { code: 'unauthenticated' })
  const [row] = await sql`select end_reason from sessions where id = ${person.sessionId}`
  expect(row?.endReason).toBe('refresh_reused')
  await eventually(async () =>
    expect(await revocationOf(person.sessionId)).toMatchObject({ scope: 'session', id: person.sessionId }),
  )
})

test("a thief's successor is void once the owner rotates, and showing it ends the session", async () => {
  const person = await register()
  const thief = await rotate(person.refreshToken)
  const owner = await rotate(person.refreshToken)
  await expectProblem(await send(thief.refreshToken), 401, {
    code: 'unauthenticated',
    reason: 'refresh_token_reused',
  })
  await expectProblem(await send(owner.refreshToken), 401, { code: 'unauthenticated' })
})

test('the same token 20 times at once through two instances: one successor is good, and the session goes on', async () => {
  const person = await register()
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => send(person.refreshToken, index % 2 ? auth : second)),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const tokens = await Promise.all(
    answers.map(async (answer) => Session.parse(await answer.json()).refreshToken),
  )
  const [row] = await sql`select current_hash from sessions where id = ${person.sessionId}`
  const current = tokens.filter((token) =>
    new Bun.CryptoHasher('sha256').update(token).digest().equals(Buffer.from(row?.currentHash)),
  )
  expect(current).toHaveLength(1)
  expect(
    await sql`select hash from spent_refresh_tokens where session_id = ${person.sessionId}`,
  ).toHaveLength(19)
  await rotate(current[0] ?? '')
})

test('a token and its successor shown at once: whoever comes first, the end is one of the two lawful ones', async () => {
  for (let round = 0; round < 10; round += 1) {
    const person = await register()
    const next = await rotate(person.refreshToken)
    const [old, young] = await Promise.all([send(person.refreshToken), send(next.refreshToken, second)])
    // Either the old one came first and voided the young one, or it came second and was a reuse.
    expect([old.status, young.status].sort()).toEqual([200, 401])
    expect(await openSessions(person.user.id)).toHaveLength(0)
  }
})

test('a role that changes while tokens are being refreshed never survives in a good token', async () => {
  const person = await register()
  const { grantRole } = await import('../ops.ts')
  let { refreshToken } = person
  for (let round = 0; round < 10; round += 1) {
    const role = round % 2 ? 'user' : 'moderator'
    const [answer] = await Promise.all([rotate(refreshToken), grantRole({ sql }, person.login, role)])
    refreshToken = answer.refreshToken
    const [row] = await sql<{ notBefore: number }[]>`
      select extract(epoch from tokens_not_before)::float8 as not_before from users where id = ${person.user.id}`
    const { iat = 0 } = JSON.parse(
      Buffer.from(answer.accessToken.split('.')[1] ?? '', 'base64url').toString(),
    )
    const isGood = iat >= (row?.notBefore ?? 0)
    if (isGood) expect(answer.user.role).toBe(role)
  }
})
