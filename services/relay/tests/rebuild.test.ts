import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { findGap } from '../mailbox.ts'
import { rebuildMailboxes } from '../ops.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps } = world

test('the operator rebuilds all mailboxes while everything runs', async () => {
  const user = await deps.createUser()
  const admin = await deps.createUser({ role: 'admin' })
  for (const text of ['a', 'b']) await world.publish([user.id], text)
  const item = { userId: user.id, type: 'reminder.due', data: {} }
  expect((await world.ask(admin.headers, 'POST', '/api/v1/queue', item)).status).toBe(201)
  await eventually(async () => expect((await world.place(user)).n).toBe(3))
  const before = await world.place(user)
  const { DATABASE_URL: databaseUrl = '' } = await deps.environment('relay')
  const sql = await deps.sql('relay')
  await rebuildMailboxes({ sql, redis: world.redis, nats: world.nats, log: deps.host.log, databaseUrl })
  await eventually(async () => {
    const place = await world.place(user)
    expect(findGap(before, place)).toBe('epoch')
    expect(place.n).toBe(3)
  })
  await world.publish([user.id], 'c')
  await eventually(async () => expect((await world.place(user)).n).toBe(4))
})
