import { expect, test } from 'bun:test'
import { startOutbox } from '@plaza/kit/outbox'
import { eventually } from '@plaza/kit/testing'
import { Config } from './config.ts'
import { keepHouse } from './housekeeping.ts'
import { streams } from './streams.ts'
import { createWorld } from './tests/_world.ts'

const { auth, deps, environment, sql, register, revocationOf } = await createWorld(import.meta.path)

const keepHere = async () => {
  const { log } = deps.host
  const outbox = await startOutbox({ sql, nats: await deps.host.nats(), log, streams })
  const identity = await deps.host.identity('auth')
  const stop = keepHouse({ sql, log, config: Config.parse(environment), outbox, identity, pauseMs: 50 })
  return async () => {
    await stop()
    await outbox.stop()
  }
}

test('sessions long over, old spent tokens and old links go; what is in use stays', async () => {
  const [ended, justEnded, live] = [await register(), await register(), await register()]
  await sql`update sessions set ended_at = now() - interval '2 days' where id = ${ended.sessionId}`
  await sql`update sessions set ended_at = now() where id = ${justEnded.sessionId}`
  const spend = (id: string, days: number) => sql`
    insert into spent_refresh_tokens (hash, session_id, spent_at)
    values (${Buffer.from(crypto.randomUUID())}, ${id}, now() - make_interval(days => ${days}))`
  await spend(live.sessionId, 31)
  await spend(live.sessionId, 1)
  await spend(ended.sessionId, 1)
  await sql`
    insert into one_time_tokens (hash, user_id, purpose, email_key, expires_at)
    values (${Buffer.from('old')}, ${live.user.id}, 'verify_email', 'x', now() - interval '1 second')`
  const stop = await keepHere()
  await eventually(async () => {
    const left = (await sql`select id from sessions order by id`).map(({ id }) => id)
    expect(left).toEqual([justEnded.sessionId, live.sessionId])
    expect(await sql`select hash from spent_refresh_tokens`).toHaveLength(1)
    expect(await sql`select hash from one_time_tokens where expires_at < now()`).toHaveLength(0)
  })
  await stop()
})

test('a session that was not refreshed for too long, or is too old, is ended for everybody who trusts its tokens', async () => {
  const [idle, old, live] = [await register(), await register(), await register()]
  await sql`update sessions set refreshed_at = now() - interval '31 days' where id = ${idle.sessionId}`
  await sql`update sessions set expires_at = now() where id = ${old.sessionId}`
  await sql`
    update sessions
    set created_at = now() - interval '300 days', last_used_at = now() - interval '29 days',
      refreshed_at = now() - interval '29 days'
    where id = ${live.sessionId}`
  const stop = await keepHere()
  for (const { sessionId, ...person } of [idle, old]) {
    await eventually(async () =>
      expect(await revocationOf(sessionId)).toMatchObject({ scope: 'session', id: sessionId }),
    )
    const [row] = await sql`select end_reason from sessions where id = ${sessionId}`
    expect(row?.endReason).toBe('expired')
    await eventually(async () => expect((await auth.as(person).api.v1.auth.me.$get()).status).toBe(401))
  }
  await stop()
  const [row] = await sql`select ended_at from sessions where id = ${live.sessionId}`
  expect(row?.endedAt).toBeNull()
  expect((await auth.as(live).api.v1.auth.me.$get()).status).toBe(200)
})

test('when many sessions have run out, each transaction ends a few', async () => {
  const { user } = await register()
  await sql`
    insert into sessions (id, user_id, current_hash, refreshed_at, expires_at)
    select gen_random_uuid(), ${user.id}, sha256(number::text::bytea), now() - interval '31 days', now()
    from generate_series(1, 450) as number`
  const stop = await keepHere()
  const pages = await eventually(async () => {
    const pages = await sql<{ ended: number }[]>`
      select count(*)::int as ended
      from sessions
      where user_id = ${user.id} and ended_at is not null
      group by ended_at
      order by ended_at`
    expect(pages.reduce((sum, { ended }) => sum + ended, 0)).toBe(450)
    return pages
  })
  await stop()
  expect(pages.map(({ ended }) => ended)).toEqual([200, 200, 50])
})
