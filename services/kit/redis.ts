import { Redis } from 'ioredis'
import type { Log } from './log.ts'
import { Problem } from './problem.ts'

export type { Redis } from 'ioredis'

/** One pipelined connection to Redis. A command fails within two seconds rather than wait for a Redis that is away. */
export function connectRedis(url: string, name: string, log: Log): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 1,
    commandTimeout: 2_000,
    connectTimeout: 2_000,
    enableOfflineQueue: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
  })
  let away = false
  const tellAway = (reason: string) => {
    if (!away) log.warn({ redis: reason }, 'redis is away')
    away = true
  }
  redis.on('error', (error: Error) => tellAway(error.message))
  // A Redis that is back before the first attempt to reconnect causes no error.
  redis.on('reconnecting', () => tellAway('the connection was lost'))
  redis.on('ready', () => {
    if (away) log.warn('redis is back')
    away = false
  })
  return redis
}

/** Runs commands whose failure means that Redis is away: the caller gets 503, never 500. */
export async function withRedis<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('unavailable', 'The store of mailboxes, tickets and presence does not answer', {
      cause: error,
      retryAfterSeconds: 1,
    })
  }
}
