import { z } from 'zod'
import { type Environment, environmentOf, list, readConfig, readFiles } from './config.ts'
import { createIdentity, type Identity } from './identity.ts'
import { createLog, type Log } from './log.ts'
import { connectNats, type Nats } from './nats.ts'
import { createPeer, type Fetch } from './peers.ts'
import { servicePorts } from './ports.ts'
import { connectRedis, type Redis } from './redis.ts'
import { followRevocations } from './revocation.ts'
import { createServiceTokens, ServiceJwks, ServiceKey, type ServiceTokens } from './service-token.ts'

/** The function behind an internal route that takes a list of items and answers each, maybe later by a promise: same schema, same checks, no wire. */
export type Operation = (items: readonly unknown[]) => Promise<readonly unknown[]>

type LocalHandler = (request: Request) => Response | Promise<Response>

/** What the services of one process share: connections, who is who, and the way to each other. */
export type Host = {
  /** Unlike that of every other process. */
  instance: string
  /** Of a service once it has started, of the process before; what is shared logs under the name of the process. */
  log: Log
  logOf(service: string): Log
  /** Handlers of the services in this process, by name. */
  local: Map<string, LocalHandler>
  /** Operations that services of this process offer each other as functions, by `<service>.<operationId>`. */
  operations: Map<string, Operation>
  nats(): Promise<Nats>
  redis(): Redis
  /** Who callers are; asks auth as the service that wanted to know first. */
  identity(service: string): Promise<Identity>
  /** Tokens by which the named service of this process is known to others. */
  tokens(service: string): ServiceTokens
  /** How `from` calls the service `name`: a fetch to `http://<name>/…`. */
  peer(from: string, name: string): Fetch
  stop(): Promise<void>
}

const Shared = z.object({
  LOG_LEVEL: z.string().default('info'),
  NATS_URL: z.string(),
  REDIS_URL: z.string(),
})
const Keys = z.object({ SERVICE_KEY: ServiceKey, SERVICE_JWKS: ServiceJwks })

/** The host of a process of this name; it connects to what its services ask for, once. */
export function createHost(environment: Environment, name = 'services'): Host {
  const shared = readConfig(Shared, readFiles(environment))
  const root = createLog(shared.LOG_LEVEL)
  const logOf = (service: string) => root.child({ service })
  const log = logOf(name)
  const instance = Bun.randomUUIDv7()
  const local: Host['local'] = new Map()
  const operations: Host['operations'] = new Map()
  const closers: (() => unknown)[] = []
  const nats = once(async () => {
    const connected = await connectNats(shared.NATS_URL, `plaza-${instance}`, log)
    closers.push(() => connected.close())
    return connected
  })
  const redis = once(() => {
    const connected = connectRedis(shared.REDIS_URL, `plaza-${instance}`, log)
    closers.push(() => connected.disconnect())
    return connected
  })
  const tokens = memoise((service: string) => {
    const { SERVICE_KEY, SERVICE_JWKS } = readConfig(Keys, environmentOf(service, environment))
    return createServiceTokens(service, SERVICE_KEY, SERVICE_JWKS)
  })
  const peer = (from: string, name: string) => {
    const fallback = `http://127.0.0.1:${servicePorts[name] ?? ''}`
    const { urls } = readConfig(z.object({ urls: list(fallback) }), {
      urls: environment[`${name.toUpperCase()}_URL`],
    })
    return createPeer({ name, urls, tokens: tokens(from), log: logOf(from), local: () => local.get(name) })
  }
  const identity = once(async (service: string) => {
    const revocations = followRevocations(await nats(), log)
    closers.unshift(() => revocations.stop())
    return createIdentity({ auth: peer(service, 'auth'), revocations })
  })
  return {
    instance,
    log,
    logOf,
    local,
    operations,
    nats,
    redis,
    identity,
    tokens,
    peer,
    async stop() {
      for (const close of closers) await close()
    },
  }
}

function once<T, A extends unknown[]>(make: (...args: A) => T): (...args: A) => T {
  let made: { value: T } | undefined
  return (...args) => {
    made ??= { value: make(...args) }
    return made.value
  }
}

function memoise<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}
