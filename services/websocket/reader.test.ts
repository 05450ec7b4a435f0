import { afterAll, expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { createLog } from '@plaza/kit/log'
import { connectRedis } from '@plaza/kit/redis'
import { testDeps } from '@plaza/kit/testing'
import { findNodes } from '@plaza/relay/mailbox'
import { createReader } from './reader.ts'
import { createSessions } from './sessions.ts'

const deps = await testDeps(import.meta.path)
const log = createLog('silent')
const redis = connectRedis((await deps.environment('websocket')).REDIS_URL ?? '', 'reader-test', log)
afterAll(() => redis.disconnect())

test('a check that comes after somebody has left does not note them as there', async () => {
  await redis.set('relay:generation', 1)
  const nobody = () => Promise.reject(new Error('nobody is asked'))
  const reader = createReader({
    redis,
    log,
    message: nobody,
    relay: nobody,
    user: nobody,
    node: 'n1',
    sessions: createSessions(),
  })
  const userId = newId()
  await reader.check(userId)
  expect((await findNodes(redis, [userId])).get(userId)).toEqual([])
})
