import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Nats } from '@plaza/kit/nats'
import type { OutboxRow } from '@plaza/kit/publisher'
import { heartbeatMs, heartbeatSubject, tokensRevoked } from '@plaza/kit/revocation'
import type { Sql } from '@plaza/kit/sql'

/**
 * Tells every process each second that it has heard all revocations so far. A revocation that its
 * maker could not publish goes first, so nobody trusts a token because the news of its end got stuck.
 */
export const startHeartbeat = (sql: Sql, nats: Nats, log: Log): (() => Promise<void>) =>
  every(heartbeatMs, log, async () => {
    if (!nats.connected()) return
    const stuck = await sql<OutboxRow[]>`
      select outbox.id, subject, body, recipients
      from outbox_pending
      join outbox on outbox.id = outbox_pending.id and outbox.created_at = outbox_pending.created_at
      where subject like ${`evt.${tokensRevoked.type}.%`}
        and outbox_pending.created_at < now() - interval '250 milliseconds'`
    await Promise.all(stuck.map((row) => nats.publish(row)))
    await nats.js.publish(heartbeatSubject)
  })
