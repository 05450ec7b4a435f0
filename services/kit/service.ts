import type { Server, WebSocketHandler } from 'bun'
import { z } from 'zod'
import { type Environment, environmentOf, number, readConfig, StartupError } from './config.ts'
import { createHost, type Host, type Operation } from './host.ts'
import { registry, unexpectedErrors } from './metrics.ts'
import { servicePorts } from './ports.ts'
import { Problem } from './problem.ts'

type Handler = (request: Request, server: Server<unknown>) => Response | Promise<Response>

/** A service that has started. */
export type Running = {
  fetch: Handler
  /** What services of the same process may call without a request, by operationId. */
  operations?: Record<string, Operation>
  /** Present when the service holds sockets. */
  websocket?: WebSocketHandler<unknown>
  /**
   * Whether its own store answers; decides /health/ready. The broker is no part of it: while that is away for
   * all instances alike, each goes on serving, and a balancer that left them all out would serve nobody.
   */
  ready(): boolean | Promise<boolean>
  /** Called when readiness has gone off and before the listener closes: send sockets elsewhere, finish work. */
  drain?(): Promise<void>
  stop(): Promise<void>
}

export type Service = {
  name: string
  start(host: Host, environment: Environment): Promise<Running>
}

const Listening = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: number(0, 0, 65_535),
  /** How long a balancer needs to notice that readiness went off. */
  DRAIN_SECONDS: number(1, 0, 60),
})

/**
 * Runs services in this process, each on its own port, until SIGTERM or SIGINT: readiness off, drain,
 * requests finished, connections closed, exit 0. A fault of start-up is one line and exit 1.
 */
export async function runServices(
  services: readonly Service[],
  environment: Environment = process.env,
): Promise<void> {
  try {
    const [first, ...others] = services
    const host = createHost(environment, others.length === 0 ? first?.name : undefined)
    const started = await startServices(host, services, environment)
    const stop = async (signal: string) => {
      host.log.info({ signal }, 'stopping')
      setTimeout(() => process.exit(1), 9_500).unref()
      await started.stop()
      process.exit(0)
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  } catch (error) {
    console.error(
      `plaza: ${error instanceof StartupError ? error.message : (error instanceof Error && error.stack) || error}`,
    )
    process.exit(1)
  }
}

export type Started = { ports: Record<string, number>; stop(): Promise<void> }

/** Starts services on a host, those that others call first; stopping goes the other way. */
export async function startServices(
  host: Host,
  services: readonly Service[],
  environment: Environment,
): Promise<Started> {
  const listeners: Listener[] = []
  for (const service of services) listeners.push(await listen(host, service, environment))
  return {
    ports: Object.fromEntries(listeners.map(({ name, port }) => [name, port])),
    async stop() {
      await Promise.all(listeners.map((listener) => listener.drain()))
      for (const listener of listeners.reverse()) await listener.close()
      await host.stop()
    },
  }
}

type Listener = { name: string; port: number; drain(): Promise<void>; close(): Promise<void> }

async function listen(host: Host, service: Service, environment: Environment): Promise<Listener> {
  const own = environmentOf(service.name, environment)
  const config = readConfig(Listening, {
    ...own,
    // An empty variable is one that nobody has set.
    PORT: own.PORT || String(servicePorts[service.name] ?? 0),
  })
  const log = host.logOf(service.name)
  // It shows 0 from the start: what begins with its first error looks to Prometheus as if it had never risen.
  unexpectedErrors.inc({ service: service.name }, 0)
  const running = await service.start({ ...host, log }, own)
  let draining = false
  const server = serve(service, running, config, () => draining)
  host.local.set(service.name, (request) => running.fetch(request, server))
  const operations = Object.entries(running.operations ?? {})
  for (const [id, operation] of operations) host.operations.set(`${service.name}.${id}`, operation)
  log.info({ port: server.port }, 'listening')
  return {
    name: service.name,
    port: server.port ?? config.PORT,
    async drain() {
      draining = true
      await Bun.sleep(config.DRAIN_SECONDS * 1_000)
      await running.drain?.()
    },
    async close() {
      await Promise.race([server.stop(), Bun.sleep(4_000)])
      host.local.delete(service.name)
      for (const [id] of operations) host.operations.delete(`${service.name}.${id}`)
      await running.stop()
      await server.stop(true)
      log.info('stopped')
    },
  }
}

function serve(
  service: Service,
  running: Running,
  config: z.output<typeof Listening>,
  draining: () => boolean,
) {
  const fetch: Handler = async (request, server) => {
    const path = URL.parse(request.url)?.pathname
    if (path === undefined) return refuseHost()
    if (path === '/health/live') return new Response('ok')
    if (path === '/health/ready') return await readiness(running, draining())
    if (path === '/metrics')
      return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
    return await running.fetch(request, server)
  }
  try {
    return Bun.serve({
      hostname: config.HOST,
      port: config.PORT,
      // The gateway closes idle connections first (60 s), else it would meet closed ones on a POST.
      idleTimeout: 120,
      // The app refuses above 1 MiB with a problem; a connection that is cut instead reaches the caller as 503.
      maxRequestBodySize: 16 << 20,
      fetch,
      ...(running.websocket ? { websocket: running.websocket } : {}),
    } as Parameters<typeof Bun.serve>[0])
  } catch (cause) {
    throw new StartupError(
      `port ${config.PORT} of ${service.name} is taken: set ${service.name.toUpperCase()}_PORT`,
      { cause },
    )
  }
}

/** Of a request whose Host no URL can have, Bun's URL is a path alone, in which routes would be mistaken for others. */
function refuseHost(): Response {
  const problem = new Problem('invalid', 'The header Host is none that a URL can have')
  const headers = { 'content-type': 'application/problem+json' }
  return Response.json(problem.body(), { status: problem.status, headers })
}

async function readiness(running: Running, draining: boolean): Promise<Response> {
  const ready = !draining && (await Promise.resolve(running.ready()).catch(() => false))
  return new Response(ready ? 'ready' : 'not ready', { status: ready ? 200 : 503 })
}
