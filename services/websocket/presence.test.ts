import { afterAll, expect, spyOn, test } from 'bun:test'
import { readConfig } from '@plaza/kit/config'
import { newId } from '@plaza/kit/id'
import { createLog } from '@plaza/kit/log'
import { connectRedis } from '@plaza/kit/redis'
import { eventually, testDeps } from '@plaza/kit/testing'
import { readPresence, registerPresence } from '@plaza/relay/mailbox'
import { Config } from './config.ts'
import { createPresence } from './presence.ts'
import { followRelationChanges } from './relation-changes.ts'
import { newSession } from './session.ts'
import { createSessions } from './sessions.ts'

const deps = await testDeps(import.meta.path)
const log = createLog('silent')
const nats = await deps.host.nats()
const redis = connectRedis(deps.parts.redisUrl, 'presence-test', log)
const relations = followRelationChanges(nats)
afterAll(() => {
  relations.stop()
  redis.disconnect()
})

function startBoard() {
  const sessions = createSessions()
  const config = readConfig(Config, { OFFLINE_AFTER_SECONDS: '0' })
  const user = () => Promise.reject(new Error('nobody is asked'))
  const board = createPresence({ redis, nats, log, sessions, config, user, node: 'n1' }, relations)
  const session = (userId: string) => newSession({ userId, sessionId: newId(), role: 'user', issuedAt: 0 })
  return {
    stop: board.stop,
    async come(userId: string) {
      const arrived = session(userId)
      sessions.add(arrived)
      await registerPresence(redis, 'n1', userId, 'online')
      await board.arrived(arrived)
      return () => {
        sessions.remove(arrived)
        board.left(arrived)
      }
    },
  }
}

/** Puts something around every script that Redis runs, until this is restored. */
function aroundScripts(around: (run: () => Promise<unknown>) => Promise<unknown>) {
  const { evalsha } = redis
  return spyOn(redis, 'evalsha').mockImplementation((...script: unknown[]) =>
    around(() => Reflect.apply(evalsha, redis, script)),
  )
}

test('who came back and left again while their leaving was being noted is noted as gone', async () => {
  const board = startBoard()
  const userId = newId()
  const status = async () => (await readPresence(redis, [userId]))[0]?.status
  const leave = await board.come(userId)
  const answered = Promise.withResolvers<void>()
  const scripts = aroundScripts((run) => run().then(() => answered.promise))
  leave()
  await eventually(async () => expect(await status()).toBe('offline'))
  scripts.mockRestore()
  const leaveAgain = await board.come(userId)
  leaveAgain()
  expect(await status()).toBe('online')
  answered.resolve()
  await eventually(async () => expect(await status()).toBe('offline'), 5_000)
  await board.stop()
})

test('who cannot be noted as gone holds up nobody who left later', async () => {
  const board = startBoard()
  const [broken, whole] = [newId(), newId()]
  const leave = [await board.come(broken), await board.come(whole)]
  await redis.unlink(`relay:{${broken}}:nodes`)
  await redis.set(`relay:{${broken}}:nodes`, 'no hash')
  for (const one of leave) one()
  await eventually(async () => expect((await readPresence(redis, [whole]))[0]?.status).toBe('offline'))
  await redis.unlink(`relay:{${broken}}:nodes`)
  await board.stop()
})

test('a node that stops notes everybody as gone, so many at a time', async () => {
  const board = startBoard()
  const userIds = Array.from({ length: 1_000 }, newId)
  for (const userId of userIds) await board.come(userId)
  let [waiting, most] = [0, 0]
  const scripts = aroundScripts((run) => {
    waiting += 1
    most = Math.max(most, waiting)
    return run().finally(() => {
      waiting -= 1
    })
  })
  await board.stop()
  scripts.mockRestore()
  expect(most).toBeLessThanOrEqual(200)
  const shown = await readPresence(redis, userIds)
  expect(new Set(shown.map(({ status }) => status))).toEqual(new Set(['offline']))
})
