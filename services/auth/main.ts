import { join } from 'node:path'
import { readConfig } from '@plaza/kit/config'
import { startInbox } from '@plaza/kit/inbox'
import { migrate } from '@plaza/kit/migrate'
import { startOutbox } from '@plaza/kit/outbox'
import { runServices, type Service } from '@plaza/kit/service'
import { connectSql } from '@plaza/kit/sql'
import { createApp } from './app.ts'
import { Config } from './config.ts'
import { noteReceipts } from './consumers/note-receipts.ts'
import { nudgeErasures } from './erasures.ts'
import { forwardAuth, serveForwardAuth } from './forward-auth.ts'
import { startHeartbeat } from './heartbeat.ts'
import { keepHouse } from './housekeeping.ts'
import { startMailQueue } from './mail-queue.ts'
import { createMailTransport } from './mail-transport.ts'
import { createPasswordHashing } from './password-hashing.ts'
import { createPasswordStrength } from './password-strength.ts'
import { recordSessionUse } from './session-use.ts'
import { startSigningKeys } from './signing-keys.ts'
import { streams } from './streams.ts'
import { createThrottle } from './throttle.ts'

export const authService: Service = {
  name: 'auth',
  port: 8_001,
  async start(host, environment) {
    const config = readConfig(Config, environment)
    const { log } = host
    const sql = connectSql({ url: config.DATABASE_URL, name: 'auth' })
    const nats = await host.nats()
    await migrate(sql, join(import.meta.dir, 'migrations'), log)
    const outbox = await startOutbox({ sql, nats, log, streams })
    const identity = await host.identity('auth')
    const keys = await startSigningKeys({ sql, log, config })
    const hashing = createPasswordHashing({
      concurrency: config.HASH_CONCURRENCY,
      queueLimit: config.HASH_QUEUE_LIMIT,
    })
    const strength = createPasswordStrength({ minScore: config.PASSWORD_MIN_SCORE })
    const throttle = createThrottle(host.redis(), log)
    const mails = startMailQueue({ sql, log, config, send: createMailTransport(config) })
    const sessionUse = recordSessionUse(sql, log)
    const inbox = await startInbox({ sql, nats, log, subscriptions: noteReceipts(config) })
    const jobs = [
      startHeartbeat(sql, nats, log),
      nudgeErasures({ outbox, log, config }),
      keepHouse({ sql, log, config }),
    ]
    const tokens = host.tokens('auth')
    const parts = { config, sql, outbox, keys, hashing, strength, throttle, mails, sessionUse }
    const app = createApp({ service: 'auth', identity, tokens, log, ...parts })
    const gate = serveForwardAuth(config, forwardAuth({ identity, sessionUse, log }))
    return {
      fetch: app.fetch,
      ready: async () => nats.connected() && (await sql`select 1`).length === 1,
      drain: async () => {
        await Promise.race([gate?.stop(), Bun.sleep(3_000)])
      },
      async stop() {
        await Promise.all([inbox.stop(), ...jobs.map((stop) => stop())])
        await mails.stop()
        await sessionUse.stop()
        strength.stop()
        await keys.stop()
        await outbox.stop()
        await gate?.stop(true)
        await sql.end({ timeout: 2 })
      },
    }
  },
}

if (import.meta.main) await runServices([authService])
