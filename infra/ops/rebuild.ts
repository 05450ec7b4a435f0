import { connectRedis } from '@plaza/kit/redis'
import { rebuildSearch } from '@plaza/message/ops'
import { rebuildMailboxes } from '@plaza/relay/ops'
import { type Target, variable, withNats, withSql } from './where.ts'

/** Voids every mailbox and fills it again while everything runs; devices find a gap and repair themselves. */
export const rebuildAllMailboxes = async (target: Target) => {
  const redis = connectRedis(variable(target, 'relay', 'REDIS_URL'), 'plaza-ops', target.log)
  const { environment, log } = target
  try {
    const frames = await withSql(target, 'relay', (sql) =>
      withNats(target, (nats) => rebuildMailboxes({ sql, redis, nats, log, environment })),
    )
    console.log(`every mailbox begins anew (${frames} events gone through); devices repair what they miss`)
  } finally {
    redis.disconnect()
  }
}

/** Says why there is nothing to do. */
export const rebuildUnread = async () => {
  console.log(
    'unread counts are worked out from messages and receipts each time: there is nothing to rebuild',
  )
}

/** Empties the index of messages' words, which searches fill again. */
export const rebuildSearchIndex = async (target: Target) => {
  await withSql(target, 'message', rebuildSearch)
  console.log('the index is empty; each search fills in what it needs')
}
