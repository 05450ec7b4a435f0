import { join } from 'node:path'
import { readConfig } from '@plaza/kit/config'
import { forgetOldKeys } from '@plaza/kit/idempotency'
import { startInbox } from '@plaza/kit/inbox'
import { migrate } from '@plaza/kit/migrate'
import { startOutbox } from '@plaza/kit/outbox'
import { runServices, type Service } from '@plaza/kit/service'
import { connectSql } from '@plaza/kit/sql'
import { createApp } from './app.ts'
import { Config } from './config.ts'
import { erasePerson } from './consumers/erase-person.ts'
import { followPrivacy } from './consumers/follow-privacy.ts'
import { followRelations } from './consumers/follow-relations.ts'
import type { Ctx } from './context.ts'
import { startErasures } from './erasure.ts'
import { messageStream } from './events.ts'
import { createReceipts } from './receipts.ts'
import { createSender } from './send.ts'

/** Direct messages: conversations, history, receipts, reactions, search. */
export const messageService: Service = {
  name: 'message',
  port: 8003,
  async start(host, environment) {
    const { log } = host
    const config = readConfig(Config, environment)
    const sql = connectSql({ url: byIndex(config.DATABASE_URL), name: 'message' })
    const nats = await host.nats()
    await migrate(sql, join(import.meta.dir, 'migrations'), log)
    const outbox = await startOutbox({ sql, nats, log, streams: [messageStream] })
    const ctx: Ctx = {
      service: 'message',
      log,
      sql,
      outbox,
      config,
      identity: await host.identity('message'),
      tokens: host.tokens('message'),
      auth: host.peer('message', 'auth'),
      sender: createSender({ sql, outbox }),
      receipts: createReceipts({ sql, outbox }),
    }
    const app = createApp(ctx)
    const subscriptions = [followRelations, followPrivacy, erasePerson]
    const inbox = await startInbox({ sql, nats, log, subscriptions })
    const stopErasing = startErasures(ctx)
    const stopForgetting = forgetOldKeys(sql, log)
    return {
      fetch: (request) => app.fetch(request),
      ready: async () => (await sql`select 1`).length === 1,
      async stop() {
        await Promise.all([
          ctx.sender.idle(),
          ctx.receipts.idle(),
          inbox.stop(),
          stopErasing(),
          stopForgetting(),
        ])
        await outbox.stop()
        await sql.end({ timeout: 2 })
      },
    }
  },
}

/** A prepared plan outlives the small table that it was made for, so none may rest on reading a table through. */
function byIndex(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('enable_seqscan', 'off')
  return url.href
}

if (import.meta.main) await runServices([messageService])
