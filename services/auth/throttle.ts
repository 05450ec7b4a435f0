import type { Log } from '@plaza/kit/log'
import { Problem } from '@plaza/kit/problem'
import type { Redis } from '@plaza/kit/redis'
import { LRUCache } from 'lru-cache'

/** Counts within a window that begins with the first count. Counts are shared by all instances, and kept by each alone while Redis is away. */
export type Throttle = {
  /** Counts one more and throws Problem limited when that is more than the limit. */
  take(key: string, rule: Rule): Promise<void>
  /** As `take`, but answers whether there was room. */
  tryTake(key: string, rule: Rule): Promise<boolean>
  /** Throws Problem limited when the limit is reached, without counting. */
  assertRoom(key: string, rule: Rule): Promise<void>
  reset(key: string): Promise<void>
}

export type Rule = { limit: number; windowSeconds: number }

type Count = { count: number; leftMs: number }

const countOne = `
local count = redis.call('incr', KEYS[1])
if count == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end
return { count, redis.call('pttl', KEYS[1]) }`
const look = `return { tonumber(redis.call('get', KEYS[1]) or '0'), redis.call('pttl', KEYS[1]) }`

export function createThrottle(redis: Redis, log: Log): Throttle {
  const own = new LRUCache<string, { count: number; until: number }>({ max: 50_000 })
  let away = false

  const inRedis = async <T>(work: () => Promise<T>, otherwise: () => T): Promise<T> => {
    // Commands to a Redis that is known to be away would wait for it first.
    if (redis.status === 'ready' || redis.status === 'connecting' || redis.status === 'connect') {
      try {
        const value = await work()
        away = false
        return value
      } catch (error) {
        if (!away) log.warn({ err: error }, 'redis is away: attempts are counted in this process alone')
        away = true
      }
    }
    return otherwise()
  }
  const inMemory = (key: string, windowMs: number, added: number): Count => {
    const now = Date.now()
    const kept = own.get(key)
    const entry = kept && kept.until > now ? kept : { count: 0, until: now + windowMs }
    entry.count += added
    own.set(key, entry)
    return { count: entry.count, leftMs: entry.until - now }
  }
  const ask = (script: string, key: string, { windowSeconds }: Rule, added: number) =>
    inRedis(
      async () => toCount(await redis.eval(script, 1, `auth:throttle:${key}`, windowSeconds * 1_000)),
      () => inMemory(key, windowSeconds * 1_000, added),
    )
  const count = (key: string, rule: Rule) => ask(countOne, key, rule, 1)

  return {
    async take(key, rule) {
      const counted = await count(key, rule)
      if (counted.count > rule.limit) refuse(counted)
    },
    tryTake: async (key, rule) => (await count(key, rule)).count <= rule.limit,
    async assertRoom(key, rule) {
      const counted = await ask(look, key, rule, 0)
      if (counted.count >= rule.limit) refuse(counted)
    },
    async reset(key) {
      own.delete(key)
      await inRedis(
        () => redis.del(`auth:throttle:${key}`),
        () => 0,
      )
    },
  }
}

function refuse({ leftMs }: Count): never {
  throw new Problem('limited', 'Too many attempts: wait a while', {
    reason: 'too_many_attempts',
    retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1_000)),
  })
}

function toCount(reply: unknown): Count {
  const [count, leftMs] = Array.isArray(reply) ? reply : []
  return { count: Number(count), leftMs: Number(leftMs) }
}
