import type { Log } from '@plaza/kit/log'
import { Problem } from '@plaza/kit/problem'
import type { Redis } from '@plaza/kit/redis'
import { LRUCache } from 'lru-cache'

/** How often something may happen within a window that begins with its first time. */
export type Limit = {
  key: string
  limit: number
  windowSeconds: number
  /** Only whether there is room is asked, and nothing counted. */
  uncounted?: boolean
}

/** Counts what happens. Counts are shared by all instances, and kept by each alone while Redis is away. */
export type Throttle = {
  /**
   * Counts one more under each limit in turn and throws Problem limited at the first that is exceeded; what comes after
   * it is not counted.
   */
  take(...limits: Limit[]): Promise<void>
  /** As `take`, but answers whether there was room. */
  tryTake(...limits: Limit[]): Promise<boolean>
  reset(...keys: string[]): Promise<void>
}

type Full = { leftMs: number }

/** For each key its window, its limit and what is counted. Answers how long the first full one's window goes on. */
const countScript = `
for i, key in ipairs(KEYS) do
  local window, limit, added = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local count = tonumber(redis.call('get', key) or '0') + 1
  if added > 0 then
    redis.call('incr', key)
    if count == 1 then redis.call('pexpire', key, window) end
  end
  if count > limit then return redis.call('pttl', key) end
end`

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
  const countInRedis = async (limits: readonly Limit[]): Promise<Full | undefined> => {
    const keys = limits.map(({ key }) => redisKey(key))
    const args = limits.flatMap(({ windowSeconds, limit, uncounted }) => [
      windowSeconds * 1_000,
      limit,
      uncounted ? 0 : 1,
    ])
    const leftMs = await redis.eval(countScript, keys.length, ...keys, ...args)
    return leftMs === null ? undefined : { leftMs: Number(leftMs) }
  }
  const countHere = (limits: readonly Limit[]): Full | undefined => {
    const now = Date.now()
    for (const { key, limit, windowSeconds, uncounted } of limits) {
      const kept = own.get(key)
      const { count, until } =
        kept && kept.until > now ? kept : { count: 0, until: now + windowSeconds * 1_000 }
      if (!uncounted) own.set(key, { count: count + 1, until })
      if (count + 1 > limit) return { leftMs: until - now }
    }
    return undefined
  }
  const count = (limits: readonly Limit[]) =>
    inRedis(
      () => countInRedis(limits),
      () => countHere(limits),
    )

  return {
    async take(...limits) {
      const full = await count(limits)
      if (!full) return
      throw new Problem('limited', 'Too many attempts: wait a while', {
        reason: 'too_many_attempts',
        retryAfterSeconds: Math.max(1, Math.ceil(full.leftMs / 1_000)),
      })
    },
    tryTake: async (...limits) => !(await count(limits)),
    async reset(...keys) {
      for (const key of keys) own.delete(key)
      await inRedis(
        () => redis.del(...keys.map(redisKey)),
        () => 0,
      )
    },
  }
}

const redisKey = (key: string) => `auth:throttle:${key}`
