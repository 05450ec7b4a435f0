import { afterAll, expect, test } from 'bun:test'
import type { Log } from './log.ts'
import { connectRedis } from './redis.ts'
import { eventually, testDeps } from './testing.ts'

const { parts } = await testDeps(import.meta.path)

test('a connection that is lost is told, however soon it is back, and one that is closed is not', async () => {
  const told: string[] = []
  const log = { warn: (...words: unknown[]) => void told.push(String(words.at(-1))) } as unknown as Log
  const redis = connectRedis(parts.redisUrl, 'lost', log)
  const other = connectRedis(parts.redisUrl, 'other', log)
  afterAll(() => other.disconnect())
  const id = await redis.client('ID')
  await other.client('KILL', 'ID', id)
  await eventually(() => expect(told).toEqual(['redis is away', 'redis is back']))
  redis.disconnect()
  await eventually(() => expect(redis.status).toBe('end'))
  expect(told).toHaveLength(2)
})
