import { afterAll, expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import type { Revocation } from '@plaza/kit/revocation'
import { connectSql, type Sql, type Transaction } from '@plaza/kit/sql'
import { eventually } from '@plaza/kit/testing'
import type { Change } from './change.ts'
import { rotateRefreshToken } from './refresh-tokens.ts'
import { changeRole } from './roles.ts'
import { endAllSessions, endOtherSessions, endSession, openSession, voidTokens } from './sessions.ts'
import { createWorld, logIn, type Person } from './tests/_world.ts'

const { auth, environment, register } = await createWorld(import.meta.path)
const sql = connectSql({ url: environment.DATABASE_URL ?? '', name: 'sessions-test', connections: 5 })
afterAll(() => sql.end({ timeout: 1 }))

const client = { ip: null, userAgent: null }
const rotate = (on: Sql, { refreshToken: token }: Person) =>
  rotateRefreshToken(on, { token, client, idleSeconds: 60 })

test('a session is opened for the proved password only: not after it was replaced, a ban, or deletion', async () => {
  const person = await register()
  const { id: userId } = person.user
  const open = async () => {
    const [row] = await sql`select password_hash from users where id = ${userId}`
    return (passwordHash = row?.passwordHash) =>
      openSession(sql, { userId, passwordHash, device: undefined, client, maxSeconds: 60, limit: 9 })
  }
  const attempt = await open()
  expect(await attempt()).toBeDefined()
  expect(await attempt('$argon2id$replaced')).toBeUndefined()
  await sql`update users set banned_at = now() where id = ${userId}`
  expect(await attempt()).toBeUndefined()
  await sql`update users set banned_at = null, deleted_at = now() where id = ${userId}`
  expect(await attempt()).toBeUndefined()
})

test('a refresh waits for a role change that is under way, and brings the new role', async () => {
  const person = await register()
  const { refreshing, notBefore } = await sql.begin(async (tx) => {
    const revoked: Revocation[] = []
    const change: Change = { tx, emit: () => {}, revoke: (revocation) => revoked.push(revocation) }
    await changeRole(change, { userId: person.user.id, role: 'moderator' })
    const refreshing = rotate(sql, person)
    await somebodyWaits()
    return { refreshing, notBefore: revoked[0]?.notBefore ?? Number.NaN }
  })
  const rotated = await refreshing
  expect(rotated?.opened.role).toBe('moderator')
  expect(rotated?.opened.issuedAt).toBeGreaterThanOrEqual(notBefore)
})

test('a revocation waits for a refresh that is under way, and voids its token', async () => {
  const person = await register()
  const { id: userId } = person.user
  const revoked: Revocation[] = []
  const { issuedAt, revoking } = await sql.begin(async (tx) => {
    await tx`select id from users where id = ${userId} for share`
    const revoking = sql.begin((other) =>
      voidTokens({ tx: other, emit: () => {}, revoke: (revocation) => revoked.push(revocation) }, userId),
    )
    await somebodyWaits()
    const [row] = await tx<{ issuedAt: number }[]>`
      select extract(epoch from clock_timestamp())::float8 as issued_at`
    return { issuedAt: row?.issuedAt ?? Number.NaN, revoking }
  })
  await revoking
  expect(revoked[0]?.notBefore).toBeGreaterThan(issuedAt)
})

const silent = (tx: Transaction): Change => ({ tx, emit: () => {}, revoke: () => {} })
const endings = {
  every: (tx: Transaction, userId: string) => endAllSessions(silent(tx), userId, 'logout'),
  'every other': (tx: Transaction, userId: string) =>
    endOtherSessions(silent(tx), { userId, sessionId: newId(), reason: 'password' }),
}
for (const [which, end] of Object.entries(endings))
  test(`${which} session ends at once with some of them, and neither change fails for the other`, async () => {
    const person = await register()
    const { id: userId } = person.user
    const ids = [person.sessionId, (await logIn(auth, person)).sessionId] as const
    const endOne = (tx: Transaction, sessionId: string) =>
      endSession(silent(tx), { sessionId, userId, reason: 'limit' })
    // A change puts a row behind those after it.
    await sql`update sessions set ip = '192.0.2.1' where id = ${ids[0]}`
    const { ending } = await sql.begin(async (tx) => {
      await endOne(tx, ids[0])
      const ending = sql.begin(async (other) => {
        // Then rows come as they lie, as they may by any plan.
        await other`set local enable_indexscan = off`
        await other`set local enable_bitmapscan = off`
        await end(other, userId)
      })
      await somebodyWaits()
      await endOne(tx, ids[1])
      return { ending }
    })
    await ending
    expect(await sql`select from sessions where user_id = ${userId} and ended_at is null`).toHaveLength(0)
  })

/** Resolves when a statement of this test's waits for a lock. */
const somebodyWaits = () =>
  eventually(async () => {
    const waiting = await sql`
      select pid
      from pg_stat_activity
      where datname = current_database() and application_name = 'sessions-test' and wait_event_type = 'Lock'`
    expect(waiting.length).toBeGreaterThan(0)
  })
