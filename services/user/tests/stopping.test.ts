import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)

test('a stop waits for the step of an erasure that is just being done, and leaves the rest to the next start', async () => {
  const { stopped } = await world.sql.begin(async (tx) => {
    await tx`lock table relations in access exclusive mode`
    await world.sql`insert into erasures (user_id) select gen_random_uuid() from generate_series(1, 3)`
    await eventually(async () => {
      const waiting = await world.sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      expect(waiting).toHaveLength(1)
    })
    return { stopped: world.stop() }
  })
  await stopped
  expect(await world.sql`select from erasures where finished_at is null`).toHaveLength(2)
})
