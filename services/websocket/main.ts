import { readConfig } from '@plaza/kit/config'
import { runServices, type Service } from '@plaza/kit/service'
import type { Server } from 'bun'
import { createApp } from './app.ts'
import { Config } from './config.ts'
import type { Ctx } from './context.ts'
import { startNode } from './node.ts'
import { createSessions } from './sessions.ts'

const name = 'websocket'

/** Real-time delivery: sockets that get what their users' mailboxes hold, the moment it comes. */
export const websocketService: Service = {
  name,
  async start(host, environment) {
    const nats = await host.nats()
    const redis = host.redis()
    const sessions = createSessions()
    let server: Server<unknown> | undefined
    let draining = false
    const ctx: Ctx = {
      service: name,
      log: host.log,
      config: readConfig(Config, environment),
      identity: await host.identity(name),
      tokens: host.tokens(name),
      message: host.peer(name, 'message'),
      sendHere: () => host.operations.get('message.createMessages'),
      user: host.peer(name, 'user'),
      relay: host.peer(name, 'relay'),
      node: host.instance,
      upgrade: (request, session) => server?.upgrade(request, { data: session }) ?? false,
      draining: () => draining,
      ...{ nats, redis, sessions },
    }
    const app = createApp(ctx)
    const sockets = startNode(ctx)
    return {
      fetch(request, from) {
        server = from
        return app.fetch(request)
      },
      ready: () => redis.status === 'ready',
      ...sockets,
      async drain() {
        draining = true
        await sockets.drain()
      },
    }
  },
}

if (import.meta.main) await runServices([websocketService])
