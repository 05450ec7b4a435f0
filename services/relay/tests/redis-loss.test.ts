import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { findGap, openMailbox } from '../mailbox.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps, redis } = world

async function away(texts: string[]) {
  const user = await deps.createUser()
  for (const text of texts) await world.publish([user.id], text)
  await eventually(async () => expect((await world.place(user)).n).toBe(texts.length))
  return user
}

test('a Redis that is restarted keeps mailboxes and their cursors', async () => {
  const user = await away(['a', 'b'])
  const place = await world.place(user)
  await deps.parts.redis.kill()
  const late = world.publish([user.id], 'c')
  await deps.parts.redis.restart()
  await late
  await eventually(async () => expect(await world.read(user, { ...place, n: 1 })).toEqual(['b', 'c']))
  expect((await world.place(user)).epoch).toBe(place.epoch)
})

test('an outage of Redis loses nothing and makes no dead letters', async () => {
  const user = await away(['a'])
  const before = await world.place(user)
  await deps.parts.redis.kill()
  const texts = Array.from({ length: 200 }, (_, index) => `away ${index}`)
  for (const text of texts) await world.publish([user.id], text)
  await deps.parts.redis.restart()
  await eventually(async () => expect((await world.read(user, before))?.toSorted()).toEqual(texts.toSorted()))
  const sql = await deps.sql('relay')
  expect(await sql`select consumer from inbox_failures`).toHaveLength(0)
})

test('a Redis that comes back from older files is noticed, though it looks healthy', async () => {
  const [ada, bob] = [await away(['a', 'b']), await away(['x'])]
  await world.copyRedis()
  await world.publish([ada.id], 'c')
  await eventually(async () => expect((await world.place(ada)).n).toBe(3))
  const before = { ada: await world.place(ada), bob: await world.place(bob) }
  // More than what is lost waits to be appended at once: places and counts reach further than ever. Without
  // a new epoch no device would miss what had stood there.
  await world.rewindRedis('copy', async () => {
    for (const text of ['d', 'e', 'f']) await world.publish([ada.id], text)
  })
  await eventually(async () => {
    expect(findGap(before.ada, await world.place(ada))).toBe('epoch')
    expect(findGap(before.bob, await world.place(bob))).toBe('epoch')
  })
  // What the broker still has is there again, for a device that reads from the gap on.
  await eventually(async () => {
    const texts = await world.read(ada, { ...(await world.place(ada)), n: 0 })
    expect(texts?.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })
})

test('an older Redis is noticed by a relay that was down meanwhile', async () => {
  const user = await away(['a'])
  await world.copyRedis()
  await world.publish([user.id], 'b')
  await eventually(async () => expect((await world.place(user)).n).toBe(2))
  const before = await world.place(user)
  // It may be killed at any time after this, and not say a word more.
  const sql = await deps.sql('relay')
  await eventually(async () => {
    const [row] = await sql`select appends from mailboxes`
    expect(row?.appends).toBe(Number(await redis.get('relay:appends')))
  })
  await world.stop()
  await world.rewindRedis('copy')
  await world.start()
  await eventually(async () => expect(findGap(before, await world.place(user))).toBe('epoch'))
})

test('an emptied Redis begins new epochs and gets back what the broker keeps', async () => {
  const user = await away(['a', 'b'])
  const before = await world.place(user)
  await world.rewindRedis('nothing')
  await eventually(async () => {
    const place = await world.place(user)
    expect(findGap(before, place)).toBe('epoch')
    expect((await world.read(user, { ...place, n: 0 }))?.toSorted()).toEqual(['a', 'b'])
  })
})

test('a Redis that is emptied while it runs is noticed', async () => {
  const user = await away(['a'])
  const before = await world.place(user)
  await redis.flushall()
  await eventually(async () => {
    const place = await world.place(user)
    expect(findGap(before, place)).toBe('epoch')
    expect(await world.read(user, { ...place, n: 0 })).toEqual(['a'])
  })
})

test('what was enqueued comes back, too, from the database', async () => {
  const user = await deps.createUser()
  const admin = await deps.createUser({ role: 'admin' })
  const item = { userId: user.id, type: 'reminder.due', data: { text: 'tea' } }
  expect((await world.ask(admin.headers, 'POST', '/api/v1/queue', item)).status).toBe(201)
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
  await world.nats.jsm.streams.purge('RELAY')
  await world.rewindRedis('nothing')
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
})

test('a full Redis empties the largest mailboxes, and only those who were behind find a gap', async () => {
  const [large, small] = [await away(['a']), await away(['b'])]
  const tail = await world.place(large)
  const [used] = /(?<=used_memory:)\d+/.exec(await redis.info('memory')) ?? ['0']
  await redis.config('SET', 'maxmemory', String(Number(used) + (3 << 20)))
  try {
    for (let batch = 0; batch < 40; batch += 1)
      await Promise.all(Array.from({ length: 100 }, () => world.publish([large.id], 'z'.repeat(500))))
    await eventually(async () => expect((await world.place(large)).n).toBe(4_001), 30_000)
    const place = await world.place(large)
    expect(place.trimmedTo).toBeGreaterThan(0)
    expect(findGap(tail, place)).toBe('trimmed')
    expect(findGap(place, place)).toBeUndefined()
    expect(await world.read(small, { ...(await world.place(small)), n: 0 })).toEqual(['b'])
  } finally {
    await redis.config('SET', 'maxmemory', '0')
  }
})

test('a mailbox that Redis cannot append to begins anew and holds up nobody', async () => {
  const user = await away(['a'])
  const other = await deps.createUser()
  const before = await world.place(user)
  await redis.set(`relay:{${user.id}}`, 'not a stream')
  await world.publish([user.id, other.id], 'b')
  await eventually(async () => expect((await world.place(other)).n).toBe(1))
  await eventually(async () => expect(findGap(before, await world.place(user))).toBe('epoch'))
})

test('a writer of an older generation is refused', async () => {
  const user = await away(['a'])
  await expect(openMailbox(redis, user.id, { generation: 0 })).rejects.toThrow('the generation has changed')
})
