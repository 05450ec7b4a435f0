import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { testParts } from '@plaza/infra/testing'
import { forgetOldEvents } from './inbox.ts'
import { createLog } from './log.ts'
import { migrate } from './migrate.ts'
import { connectSql } from './sql.ts'

const parts = await testParts({ nats: false, redis: false })
const { url } = await parts.createDatabase()
const sql = connectSql({ url, name: 'test', connections: 2 })
await migrate(url, join(import.meta.dir, 'tests/migrations'), createLog('silent'))
afterAll(async () => {
  await sql.end({ timeout: 1 })
  await parts.stop()
})

test('an event is forgotten when it can come no more, and no sooner', async () => {
  await sql`
    insert into inbox (consumer, event_id, received_at)
    select 'test-read', gen_random_uuid(), now() - interval '7 days'
    from generate_series(1, 10001)`
  await sql`
    insert into inbox (consumer, event_id, received_at)
    values ('test-read', gen_random_uuid(), now() - interval '5 days')`
  await forgetOldEvents(sql)
  const left = await sql`select received_at < now() - interval '4 days' as is_old from inbox`
  expect([...left]).toEqual([{ isOld: true }])
})
