import { join } from 'node:path'
import { readConfig } from '@plaza/kit/config'
import { gaugeEvents } from '@plaza/kit/gauges'
import { forgetOldKeys } from '@plaza/kit/idempotency'
import { startInbox } from '@plaza/kit/inbox'
import { migrate } from '@plaza/kit/migrate'
import { startOutbox } from '@plaza/kit/outbox'
import { runServices, type Service } from '@plaza/kit/service'
import { createApp } from './app.ts'
import { Config } from './config.ts'
import { erasePerson } from './consumers/erase-person.ts'
import { followPrivacy } from './consumers/follow-privacy.ts'
import { followRelations } from './consumers/follow-relations.ts'
import type { Ctx } from './context.ts'
import { startErasures } from './erasure.ts'
import { messageStream } from './events.ts'
import { startJudging } from './people.ts'
import { createReceipts } from './receipts.ts'
import { sendEach } from './routes/create-messages.ts'
import { createSender } from './send.ts'
import { connectByIndex } from './sql.ts'

/** Direct messages: conversations, history, receipts, reactions, search. */
export const messageService: Service = {
  name: 'message',
  async start(host, environment) {
    const { log } = host
    const config = readConfig(Config, environment)
    const sql = connectByIndex(config.DATABASE_URL)
    const nats = await host.nats()
    await migrate(config.DATABASE_URL, join(import.meta.dir, 'migrations'), log)
    const outbox = await startOutbox({
      ...{ sql, nats, log, streams: [messageStream] },
      handOver: () => host.operations.get('relay.handOver'),
    })
    const sender = createSender({ sql, outbox })
    const receipts = createReceipts({ sql, outbox })
    const ctx: Ctx = {
      ...{ service: 'message', log, sql, outbox, config, sender, receipts },
      identity: await host.identity('message'),
      tokens: host.tokens('message'),
      auth: host.peer('message', 'auth'),
    }
    const app = createApp(ctx)
    const subscriptions = [followRelations, followPrivacy, erasePerson]
    const inbox = await startInbox({ sql, nats, log, subscriptions })
    const jobs = [startErasures(ctx), startJudging(ctx), forgetOldKeys(sql, log), gaugeEvents('message', sql)]
    return {
      fetch: (request) => app.fetch(request),
      operations: { createMessages: async (items) => sendEach(ctx, items) },
      ready: async () => (await sql`select 1`).length === 1,
      async stop() {
        await Promise.all([sender.idle(), receipts.idle(), inbox.stop(), ...jobs.map((stop) => stop())])
        await outbox.stop()
        await sql.end({ timeout: 2 })
      },
    }
  },
}

if (import.meta.main) await runServices([messageService])
