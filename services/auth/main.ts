import { join } from 'node:path'
import { readConfig } from '@plaza/kit/config'
import { migrate } from '@plaza/kit/migrate'
import { startOutbox } from '@plaza/kit/outbox'
import { runServices, type Service } from '@plaza/kit/service'
import { connectSql } from '@plaza/kit/sql'
import { createApp } from './app.ts'
import { startBackground } from './background.ts'
import { Config } from './config.ts'
import type { Ctx } from './context.ts'
import { serveForwardAuth } from './forward-auth.ts'
import { startMailQueue } from './mail-queue.ts'
import { createMailTransport } from './mail-transport.ts'
import { createPasswordHashing } from './password-hashing.ts'
import { createPasswordStrength } from './password-strength.ts'
import { recordSessionUse } from './session-use.ts'
import { startSigningKeys } from './signing-keys.ts'
import { streams } from './streams.ts'
import { createThrottle } from './throttle.ts'
import { claimMissingLooks } from './username-looks.ts'

export const authService: Service = {
  name: 'auth',
  async start(host, environment) {
    const config = readConfig(Config, environment)
    const { log } = host
    const sql = connectSql({ url: config.DATABASE_URL, name: 'auth' })
    const nats = await host.nats()
    await migrate(config.DATABASE_URL, join(import.meta.dir, 'migrations'), log)
    await claimMissingLooks(sql)
    const keys = await startSigningKeys({ sql, log, config })
    const outbox = await startOutbox({ sql, nats, log, streams })
    const identity = await host.identity('auth')
    const stopBackground = await startBackground({ sql, nats, log, config, outbox, identity })
    const tokens = host.tokens('auth')
    const hashing = createPasswordHashing(config)
    const strength = createPasswordStrength(config)
    const throttle = createThrottle(host.redis(), log)
    const mails = startMailQueue({ sql, log, config, send: createMailTransport(config) })
    const sessionUse = recordSessionUse(sql, log)
    const caller = { service: 'auth', identity, tokens, log }
    const ctx: Ctx = { ...caller, config, sql, outbox, keys, hashing, strength, throttle, mails, sessionUse }
    const gate = serveForwardAuth(ctx)
    return {
      fetch: createApp(ctx).fetch,
      ready: async () => (await sql`select 1`).length === 1,
      drain: async () => Promise.race([gate?.stop(), Bun.sleep(3_000)]),
      async stop() {
        strength.stop()
        await Promise.all([stopBackground(), mails.stop(), sessionUse.stop(), keys.stop()])
        await outbox.stop()
        await gate?.stop(true)
        await sql.end({ timeout: 2 })
      },
    }
  },
}

if (import.meta.main) await runServices([authService])
