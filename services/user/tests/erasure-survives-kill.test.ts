import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { startWorld } from './_world.ts'

const contacts = 240
const world = await startWorld(import.meta.path)
const environment = await world.deps.environment('user')

/** The service as a process of its own, erasing one relation at a time. */
const spawnService = () =>
  Bun.spawn([process.execPath, join(import.meta.dir, '../main.ts')], {
    env: { ...process.env, ...environment, ERASURE_BATCH: '1' },
    stdout: 'ignore',
    stderr: 'inherit',
  })

async function addContacts(userId: string): Promise<void> {
  const others = Array.from({ length: contacts }, () => newId())
  await world.sql`
    insert into people (user_id, username, relations_version)
    select id, id::text, 1 from unnest(${[userId, ...others]}::uuid[]) as person (id)`
  await world.sql`
    insert into relations (owner_id, other_id, state, version)
    select id, ${userId}, 'accepted', 1 from unnest(${others}::uuid[]) as other (id)`
}

async function ended(userId: string): Promise<number> {
  const rows = await world.sql`select from relations where other_id = ${userId} and state = 'none'`
  return rows.length
}

test('an erasure that is killed again and again ends, tells everyone once and sends one receipt', async () => {
  const userId = newId()
  await addContacts(userId)
  await world.stop()
  await world.publish(world.deleted(userId))
  for (const moment of [1, 50, 100, 150]) {
    const service = spawnService()
    await eventually(async () => expect(await ended(userId)).toBeGreaterThanOrEqual(moment), 30_000)
    service.kill('SIGKILL')
    await service.exited
  }
  const service = spawnService()
  await eventually(
    async () =>
      expect(
        await world.sql`select from erasures where user_id = ${userId} and finished_at is not null`,
      ).toHaveLength(1),
    30_000,
  )
  expect(await ended(userId)).toBe(contacts)
  await eventually(async () => expect(await world.sql`select from outbox_pending`).toHaveLength(0))
  service.kill('SIGTERM')
  expect(await service.exited).toBe(0)
  const events = await world.deps.events('USER')
  const removed = events.filter(({ type }) => type === 'contact.removed').map(({ subject }) => subject)
  expect([removed.length, new Set(removed).size]).toEqual([contacts, contacts])
  expect(events.filter(({ type }) => type === 'user_data.erased')).toHaveLength(1)
}, 180_000)
