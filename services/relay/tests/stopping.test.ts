import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path, { EXPIRE_EVERY_SECONDS: '1' })
const sql = await world.deps.sql('relay')

test('a stop waits for the batches that are just being worked off, and leaves the rest to the next start', async () => {
  await sql.unsafe(`
    create function wait_for_gate() returns trigger language plpgsql as $$
      begin
        perform pg_advisory_xact_lock_shared(1);
        return null;
      end
    $$;
    create trigger wait_for_gate before delete on queue_items execute function wait_for_gate();
    create trigger wait_for_gate before update on tombstones execute function wait_for_gate()`)
  const { stopped } = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(1)`
    await sql`
      insert into queue_items (id, user_id, body, expires_at)
      select gen_random_uuid(), gen_random_uuid(), '{}', now() from generate_series(1, 1200)`
    await sql`insert into tombstones (user_id) select gen_random_uuid() from generate_series(1, 250)`
    await eventually(async () => {
      const waiting = await sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      expect(waiting).toHaveLength(2)
    })
    return { stopped: world.stop() }
  })
  await stopped
  expect(await sql`select from queue_items`).toHaveLength(700)
  expect(await sql`select from tombstones where erased_at is null`).toHaveLength(150)
})
