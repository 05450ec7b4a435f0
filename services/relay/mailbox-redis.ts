import type { Redis } from '@plaza/kit/redis'

/**
 * The connection by which mailboxes are written. A command never outlives the connection that it was
 * given to: after a reconnect nothing may be appended before the Redis at the other end has been looked at.
 */
export function connectMailboxes(redis: Redis): Redis {
  const connection = redis.duplicate({
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  })
  // The shared connection logs that Redis is away; without a listener an error would end the process.
  connection.on('error', () => {})
  return connection
}
