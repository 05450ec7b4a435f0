import { join } from 'node:path'
import { readConfig } from '@plaza/kit/config'
import { gaugeEvents } from '@plaza/kit/gauges'
import { forgetOldKeys } from '@plaza/kit/idempotency'
import { startInbox } from '@plaza/kit/inbox'
import { migrate } from '@plaza/kit/migrate'
import { startOutbox } from '@plaza/kit/outbox'
import type { OutboxRow } from '@plaza/kit/publisher'
import { runServices, type Service } from '@plaza/kit/service'
import { connectSql } from '@plaza/kit/sql'
import { createApp } from './app.ts'
import { Config } from './config.ts'
import { eraseUser } from './consumers/erase-user.ts'
import type { Ctx } from './context.ts'
import { startDelivery } from './deliver.ts'
import { startErasing } from './erasures.ts'
import { relayStream } from './events.ts'
import { startExpiry } from './expiry.ts'
import { startMailboxes } from './mailboxes.ts'

const name = 'relay'

/** Mailboxes: what each user's devices have to receive, kept until they are back. */
export const relayService: Service = {
  name,
  async start(host, environment) {
    const { log } = host
    const config = readConfig(Config, environment)
    const sql = connectSql({ url: config.DATABASE_URL, name })
    const nats = await host.nats()
    await migrate(config.DATABASE_URL, join(import.meta.dir, 'migrations'), log)
    const outbox = await startOutbox({
      ...{ sql, nats, log, streams: [relayStream] },
      handOver: () => host.operations.get('relay.handOver'),
    })
    const redis = host.redis()
    const mailboxes = await startMailboxes({ sql, redis, nats, log, config })
    const ctx: Ctx = {
      service: name,
      identity: await host.identity(name),
      tokens: host.tokens(name),
      auth: host.peer(name, 'auth'),
      message: host.peer(name, 'message'),
      nodeHere() {
        const wakeUp = host.operations.get('websocket.wakeUp')
        return wakeUp && { name: host.instance, wakeUp }
      },
      ...{ sql, nats, redis, outbox, log, config, ...mailboxes },
    }
    const app = createApp(ctx)
    const delivery = await startDelivery(ctx)
    const inbox = await startInbox({ sql, nats, log, subscriptions: [eraseUser] })
    const stopJobs = [startErasing(ctx), startExpiry(ctx), forgetOldKeys(sql, log), gaugeEvents(name, sql)]
    return {
      fetch: (request) => app.fetch(request),
      operations: {
        handOver: (events) => delivery.handOver(events as readonly OutboxRow[]),
      },
      ready: async () => mailboxes.connected() && (await sql`select 1`).length === 1,
      async stop() {
        await Promise.all([delivery.stop(), inbox.stop(), ...stopJobs.map((stop) => stop())])
        await mailboxes.stop()
        await outbox.stop()
        await sql.end({ timeout: 2 })
      },
    }
  },
}

if (import.meta.main) await runServices([relayService])
