import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { appendsKey, generationKey, notedKey } from '../keys.ts'
import { findGap } from '../mailbox.ts'
import { runScript } from '../script.ts'
import { noteScript } from '../scripts.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps, redis } = world
const sql = await deps.sql('relay')

async function away(texts: string[]) {
  const user = await deps.createUser()
  for (const text of texts) await world.publish([user.id], text)
  await eventually(async () => expect((await world.place(user)).n).toBe(texts.length))
  return user
}

/** Waits until a restart would have nothing more to note. */
const untilNoted = () =>
  eventually(async () => {
    const [row] = await sql`select appends from mailboxes`
    const counts = [row?.appends, Number(await redis.get(notedKey))]
    const appends = Number(await redis.get(appendsKey))
    expect(counts).toEqual([appends, appends])
  })

const untilRefilled = () =>
  eventually(async () => {
    const [row] = await sql`select refilled_generation = generation as refilled from mailboxes`
    expect(row?.refilled).toBe(true)
  })

/** Copies what the database knows of Redis; the answer puts the copy back. */
async function copyDatabase() {
  await untilNoted()
  await sql`drop table if exists mailboxes_copy`
  await sql`create table mailboxes_copy as table mailboxes`
  return async () => {
    await sql.begin(async (tx) => {
      await tx`delete from mailboxes`
      await tx`insert into mailboxes table mailboxes_copy`
    })
  }
}

test('a database that comes back from an older copy is noticed, and nothing that it has forgotten is filled in', async () => {
  const user = await away(['a'])
  const admin = await deps.createUser({ role: 'admin' })
  const item = { userId: user.id, type: 'reminder.due', data: {} }
  expect((await world.ask(admin.headers, 'POST', '/api/v1/queue', item)).status).toBe(201)
  await eventually(async () => expect((await world.place(user)).n).toBe(2))
  const restore = await copyDatabase()
  await world.publish([user.id], 'b')
  await eventually(async () => expect((await world.place(user)).n).toBe(3))
  const before = await world.place(user)
  await world.stop()
  await restore()
  await world.start()
  await eventually(async () => expect(findGap(before, await world.place(user))).toBe('epoch'))
  await untilRefilled()
  // What was enqueued, the database knows itself.
  expect((await world.place(user)).n).toBe(1)
})

test('a database that is put back beneath a running relay is noticed', async () => {
  const user = await away(['a'])
  const restore = await copyDatabase()
  await world.publish([user.id], 'b')
  await eventually(async () => expect((await world.place(user)).n).toBe(2))
  await untilNoted()
  const before = await world.place(user)
  await restore()
  await world.publish([user.id], 'c')
  await eventually(async () => expect(findGap(before, await world.place(user))).toBe('epoch'))
})

test('a copy from before a new generation is noticed', async () => {
  const user = await away(['a'])
  const restore = await copyDatabase()
  const copied = await world.place(user)
  await redis.flushall()
  await eventually(async () => expect(findGap(copied, await world.place(user))).toBe('epoch'))
  const before = await world.place(user)
  await world.stop()
  await restore()
  await world.start()
  await eventually(async () => expect(findGap(before, await world.place(user))).toBe('epoch'))
  await untilRefilled()
  expect((await world.place(user)).n).toBe(0)
})

test('a relay that is killed, before it notes anything or between its two notes, keeps the mailboxes', async () => {
  const user = await away(['a', 'b'])
  await untilNoted()
  const place = await world.place(user)
  await world.stop()
  await sql`update mailboxes set appends = appends - 1`
  await redis.decrby(notedKey, 2)
  await world.start()
  await untilNoted()
  expect(await world.place(user)).toEqual(place)
})

test('a note that comes to Redis late takes nothing back and means nothing in another generation', async () => {
  await untilNoted()
  const [generation, noted] = [Number(await redis.get(generationKey)), Number(await redis.get(notedKey))]
  for (const late of [
    [generation, noted - 1],
    [generation - 1, noted + 1],
  ])
    await runScript(redis, noteScript, [generationKey, notedKey], late)
  expect(Number(await redis.get(notedKey))).toBe(noted)
})
