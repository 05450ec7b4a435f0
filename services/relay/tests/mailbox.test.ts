import { afterEach, expect, setSystemTime, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { testDeps } from '@plaza/kit/testing'
import { createAppender } from '../appender.ts'
import { keysOf } from '../keys.ts'
import { keepMs, openMailbox, readMailbox } from '../mailbox.ts'
import { readPointer, toStored } from '../pointer.ts'
import { runScript } from '../script.ts'
import { emptyScript } from '../scripts.ts'

const deps = await testDeps(import.meta.path)
const redis = deps.host.redis()
const generation = {
  current: () => 1,
  noteAppends: () => {},
  suspect: () => {},
  look: async () => {},
  stop: async () => {},
}
const appenderWith = (frames: number, bytes = 1 << 22) =>
  createAppender({
    redis,
    generation,
    log: deps.host.log,
    config: { MAILBOX_FRAMES: frames, MAILBOX_BYTES: bytes, MAILBOXES_PER_CALL: 32 },
  })
const frame = (text = '{}', id = newId()) => ({ id, text, stored: text })
afterEach(() => void setSystemTime())

test('a frame is appended once however often it comes', async () => {
  const userId = newId()
  await openMailbox(redis, userId, { generation: 1, node: { id: 'node', status: 'online' } })
  const appender = appenderWith(100)
  const frames = [frame('{"a":1}'), frame('{"a":2}')]
  const [first] = await appender.append(new Map([[userId, frames]]))
  expect(first?.runs).toMatchObject([{ first: 1, texts: ['{"a":1}', '{"a":2}'] }])
  const [again] = await appender.append(new Map([[userId, [...frames, frame('{"a":3}')]]]))
  expect(again?.runs).toMatchObject([{ first: 1, texts: ['{"a":1}', '{"a":2}', '{"a":3}'] }])
  const page = await readMailbox(redis, userId, { epoch: first?.runs[0]?.epoch ?? '', n: 0 }, 1 << 20)
  expect(page.frames?.map(({ n, stored }) => [n, stored])).toEqual([
    [1, '{"a":1}'],
    [2, '{"a":2}'],
    [3, '{"a":3}'],
  ])
})

test('a mailbox keeps the newest frames up to its limits and says what is gone', async () => {
  const userId = newId()
  const appender = appenderWith(100, 1_000)
  for (let batch = 0; batch < 10; batch += 1)
    await appender.append(new Map([[userId, Array.from({ length: 20 }, () => frame('x'.repeat(20)))]]))
  const place = await openMailbox(redis, userId, { generation: 1 })
  expect(place?.n).toBe(200)
  const page = await readMailbox(
    redis,
    userId,
    { epoch: place?.epoch ?? '', n: place?.trimmedTo ?? 0 },
    1 << 20,
  )
  expect(page.frames?.at(-1)?.n).toBe(200)
  expect(page.frames?.[0]?.n).toBe((place?.trimmedTo ?? 0) + 1)
  expect(page.frames?.length).toBeLessThanOrEqual(50)
  const fields = await redis.hkeys(`relay:{${userId}}:meta`)
  expect(fields.filter((field) => field.length === 36)).toHaveLength(page.frames?.length ?? 0)
  const behind = await readMailbox(redis, userId, { epoch: place?.epoch ?? '', n: 5 }, 1 << 20)
  expect(behind.frames).toBeUndefined()
})

test('a mailbox of 4,096 frames drops nothing before it is full', async () => {
  const userId = newId()
  const appender = appenderWith(4_096)
  for (let batch = 0; batch < 16; batch += 1)
    await appender.append(new Map([[userId, Array.from({ length: 256 }, () => frame('y'.repeat(700)))]]))
  expect(await openMailbox(redis, userId, { generation: 1 })).toMatchObject({ n: 4_096, trimmedTo: 0 })
  await appender.append(new Map([[userId, [frame()]]]))
  const place = await openMailbox(redis, userId, { generation: 1 })
  expect(place).toMatchObject({ n: 4_097 })
  expect(place?.trimmedTo).toBeGreaterThan(0)
})

test('what a page and a pointer hold is counted in bytes, not in characters', async () => {
  const userId = newId()
  const frames = Array.from({ length: 20 }, () => frame('漢'.repeat(300)))
  await appenderWith(100).append(new Map([[userId, frames]]))
  const place = await openMailbox(redis, userId, { generation: 1 })
  const page = await readMailbox(redis, userId, { epoch: place?.epoch ?? '', n: 0 }, 9_000)
  expect(page.frames).toHaveLength(10)
  const text = JSON.stringify({ type: 'message.created', data: { id: newId(), text: '漢'.repeat(400) } })
  expect(readPointer(toStored('evt.message.created.x', text))?.bytes).toBe(Buffer.byteLength(text))
})

test('a mailbox that was emptied when memory was short ends by itself like any other', async () => {
  const userId = newId()
  const appender = appenderWith(100)
  await appender.append(new Map([[userId, [frame()]]]))
  const { frames, meta } = keysOf(userId)
  await runScript(redis, emptyScript, [frames, meta], [])
  await appender.append(new Map([[userId, [frame()]]]))
  expect(await redis.pttl(frames)).toBeGreaterThan(0)
  expect(await redis.pttl(meta)).toBeGreaterThan(0)
})

test('a frame is kept for its days though the clocks of two relays differ around midnight', async () => {
  const userId = newId()
  const appender = appenderWith(100)
  const dayMs = 86_400_000
  const midnight = Math.ceil(Date.now() / dayMs) * dayMs
  const appendAt = async (time: number) => {
    setSystemTime(time)
    await appender.append(new Map([[userId, [frame()]]]))
    return (await openMailbox(redis, userId, { generation: 1 }))?.trimmedTo
  }
  await appendAt(midnight - 1_000)
  await appendAt(midnight + 1_000)
  await appendAt(midnight - 500)
  expect(await appendAt(midnight + keepMs - dayMs + 2_000)).toBe(0)
  expect(await appendAt(midnight + keepMs + 2_000)).toBe(1)
})

test('a mailbox whose state an older version wrote out begins anew', async () => {
  const userId = newId()
  const { frames, meta } = keysOf(userId)
  await redis.hset(meta, 'box', '1.old 7 0 10 20000')
  await redis.xadd(frames, '7-0', 'id', '{}')
  await appenderWith(100).append(new Map([[userId, [frame()]]]))
  const place = await openMailbox(redis, userId, { generation: 1 })
  expect(place).toMatchObject({ n: 1, trimmedTo: 0 })
  expect(place?.epoch).not.toBe('1.old')
})
