import { afterAll, expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { createLog } from '@plaza/kit/log'
import { connectSql } from '@plaza/kit/sql'
import { startGeneration } from '../generation.ts'
import { openMailbox } from '../mailbox.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
await world.stop()
const { deps, nats, redis } = world
const log = createLog('silent')
const { DATABASE_URL = '' } = await deps.environment('relay')
const sql = connectSql({ url: `${DATABASE_URL}?statement_timeout=250`, name: 'test', connections: 2 })
afterAll(() => sql.end({ timeout: 1 }))

test('a new generation begins however many are erased, though that takes longer than a statement may', async () => {
  const people = Array.from({ length: 20_000 }, newId)
  await sql`
    insert into tombstones (user_id, erased_at)
    select id, now()
    from unnest(${people}::uuid[]) as made (id)`
  await redis.flushall()
  const generation = await startGeneration({ sql, redis, nats, log })
  expect(generation.current()).toBeGreaterThan(0)
  for (const userId of [people[0], people.at(-1)])
    expect(await openMailbox(redis, userId ?? '', { generation: generation.current() })).toBeUndefined()
  await generation.stop()
})
