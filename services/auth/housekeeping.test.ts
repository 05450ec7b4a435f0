import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { Config } from './config.ts'
import { keepHouse } from './housekeeping.ts'
import { createWorld } from './tests/_world.ts'

const { deps, environment, sql, register } = await createWorld(import.meta.path)

test('sessions long over, old spent tokens and old links go; what is in use stays', async () => {
  const [ended, idle, live] = [await register(), await register(), await register()]
  await sql`update sessions set ended_at = now() - interval '2 days' where id = ${ended.sessionId}`
  await sql`update sessions set refreshed_at = now() - interval '32 days' where id = ${idle.sessionId}`
  const spend = (id: string, days: number) => sql`
    insert into spent_refresh_tokens (hash, session_id, spent_at)
    values (${Buffer.from(crypto.randomUUID())}, ${id}, now() - make_interval(days => ${days}))`
  await spend(live.sessionId, 31)
  await spend(live.sessionId, 1)
  await spend(ended.sessionId, 1)
  await sql`
    insert into one_time_tokens (hash, user_id, purpose, email_key, expires_at)
    values (${Buffer.from('old')}, ${live.user.id}, 'verify_email', 'x', now() - interval '1 second')`
  const stop = keepHouse({ sql, log: deps.host.log, config: Config.parse(environment), pauseMs: 50 })
  await eventually(async () => {
    expect((await sql`select id from sessions`).map(({ id }) => id)).toEqual([live.sessionId])
    expect(await sql`select hash from spent_refresh_tokens`).toHaveLength(1)
    expect(await sql`select hash from one_time_tokens where expires_at < now()`).toHaveLength(0)
  })
  await stop()
})
