import { join } from 'node:path'
import { readConfig } from '@plaza/kit/config'
import { gaugeEvents } from '@plaza/kit/gauges'
import { forgetOldKeys } from '@plaza/kit/idempotency'
import { startInbox } from '@plaza/kit/inbox'
import { migrate } from '@plaza/kit/migrate'
import { startOutbox } from '@plaza/kit/outbox'
import { runServices, type Service } from '@plaza/kit/service'
import { connectSql } from '@plaza/kit/sql'
import { createApp } from './app.ts'
import { Config } from './config.ts'
import { createPersonOnRegistration } from './consumers/create-person.ts'
import { erasePerson } from './consumers/erase-person.ts'
import type { Ctx } from './context.ts'
import { startErasing } from './erasures.ts'

const name = 'user'
const subjects = ['evt.profile.>', 'evt.contact.>', 'evt.block.>', 'evt.privacy.>', 'evt.user_data.>']

/** People: profiles, privacy, contacts, blocks. */
export const userService: Service = {
  name,
  async start(host, environment) {
    const { log } = host
    const config = readConfig(Config, environment)
    const sql = connectSql({ url: config.DATABASE_URL, name })
    const nats = await host.nats()
    await migrate(config.DATABASE_URL, join(import.meta.dir, 'migrations'), log)
    const outbox = await startOutbox({
      ...{ sql, nats, log, streams: [{ name: 'USER', subjects }] },
      handOver: () => host.operations.get('relay.handOver'),
    })
    const ctx: Ctx = {
      service: name,
      identity: await host.identity(name),
      tokens: host.tokens(name),
      auth: host.peer(name, 'auth'),
      message: host.peer(name, 'message'),
      sql,
      outbox,
      log,
      config,
    }
    const app = createApp(ctx)
    const subscriptions = [createPersonOnRegistration, erasePerson]
    const inbox = await startInbox({ sql, nats, log, subscriptions })
    const stopJobs = [startErasing(ctx), forgetOldKeys(sql, log), gaugeEvents(name, sql)]
    return {
      fetch: (request) => app.fetch(request),
      ready: async () => (await sql`select 1`).length === 1,
      async stop() {
        await Promise.all([inbox.stop(), ...stopJobs.map((stop) => stop())])
        await outbox.stop()
        await sql.end({ timeout: 2 })
      },
    }
  },
}

if (import.meta.main) await runServices([userService])
