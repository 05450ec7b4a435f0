import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { findGap } from '../mailbox.ts'
import { rebuildMailboxes } from '../ops.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps } = world

const rebuild = async (variables: Record<string, string> = {}) => {
  const environment = { ...(await deps.environment('relay')), ...variables }
  const sql = await deps.sql('relay')
  const { redis, nats } = world
  return await rebuildMailboxes({ sql, redis, nats, log: deps.host.log, environment })
}

test('the operator rebuilds all mailboxes while everything runs', async () => {
  const user = await deps.createUser()
  const admin = await deps.createUser({ role: 'admin' })
  for (const text of ['a', 'b']) await world.publish([user.id], text)
  const item = { userId: user.id, type: 'reminder.due', data: {} }
  expect((await world.ask(admin.headers, 'POST', '/api/v1/queue', item)).status).toBe(201)
  await eventually(async () => expect((await world.place(user)).n).toBe(3))
  const before = await world.place(user)
  await rebuild()
  await eventually(async () => {
    const place = await world.place(user)
    expect(findGap(before, place)).toBe('epoch')
    expect(place.n).toBe(3)
  })
  await world.publish([user.id], 'c')
  await eventually(async () => expect((await world.place(user)).n).toBe(4))
})

test('the operator’s rebuild keeps to the limits that relay is set to', async () => {
  const user = await deps.createUser()
  for (const text of ['a', 'b', 'c']) await world.publish([user.id], text)
  await eventually(async () => expect((await world.place(user)).n).toBe(3))
  // A running relay might be quicker.
  await world.stop()
  await rebuild({ RELAY_MAILBOX_FRAMES: '2' })
  expect(await world.place(user)).toMatchObject({ n: 3, trimmedTo: 2 })
})
