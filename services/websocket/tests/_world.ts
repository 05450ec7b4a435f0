import { afterAll } from 'bun:test'
import { createHost, type Host } from '@plaza/kit/host'
import { newId } from '@plaza/kit/id'
import { toRow } from '@plaza/kit/outbox'
import { tokensRevoked } from '@plaza/kit/revocation'
import type { Running, Service } from '@plaza/kit/service'
import { ensureStream } from '@plaza/kit/stream'
import { eventually, type TestDeps, type TestUser, testDeps } from '@plaza/kit/testing'
import { messageCreated, messageStream } from '@plaza/message/events'
import { messageService } from '@plaza/message/main'
import { Conversation, type Message } from '@plaza/message/schema'
import { createdEvent } from '@plaza/message/testing'
import { parseCursor } from '@plaza/relay/mailbox'
import { relayService } from '@plaza/relay/main'
import { websocketService } from '../main.ts'
import { TestSocket } from './_socket.ts'

export type TestNode = {
  host: Host
  running: Running
  port: number
  /** Ends it as a crash would: nobody is told. */
  crash(): Promise<void>
  stop(): Promise<void>
}

export type Handler = (request: Request) => Response | Promise<Response>

/** Relay and one node of sockets on real parts. All of it ends with the file. */
export async function startWorld(path: string, variables: Record<string, string> = {}) {
  const ends: (() => unknown)[] = []
  // Before the parts' own afterAll, so that services stop before what they stand on.
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })
  const deps = await testDeps(path)
  const nats = await deps.host.nats()
  // Of the services whose events relay follows, none runs here.
  await ensureStream(nats, { name: 'AUTH', subjects: ['evt.user.>'] })
  await ensureStream(nats, { name: 'USER', subjects: ['evt.profile.>', 'evt.block.>'] })
  await ensureStream(nats, messageStream)
  standInForUsers(deps)
  const relay = await startService(deps, relayService, deps.host, variables)
  ends.push(() => relay.running.stop())
  const startNode = async (host: Host) => {
    const node = await runNode(deps, host, variables)
    ends.push(node.stop)
    return node
  }
  const node = await startNode(deps.host)
  const sockets: TestSocket[] = []
  ends.push(() => {
    for (const socket of sockets) socket.close()
  })
  const connect = async (user: TestUser, at: TestNode = node) => {
    const ticket = await createTicket(at, user)
    const socket = new TestSocket(`ws://127.0.0.1:${at.port}/api/v1/ws?ticket=${ticket}`)
    sockets.push(socket)
    await socket.opened
    return socket
  }
  return {
    deps,
    nats,
    relay,
    node,
    /** Another node, as in another process. */
    async addNode() {
      const host = createHost(await deps.environment('websocket'))
      for (const [name, handler] of deps.host.local) host.local.set(name, handler)
      return await startNode(host)
    },
    /** A socket that has not said anything. */
    connect,
    /** A socket that is ready. */
    async open(user: TestUser, { cursor, at = node }: { cursor?: string; at?: TestNode } = {}) {
      const socket = await connect(user, at)
      socket.say({ type: 'hello', cursor })
      await eventually(() => socket.one('ready'))
      return socket
    },
    /** The real message service in the same process. */
    async startMessage() {
      const message = await startService(deps, messageService, deps.host, {})
      ends.push(() => message.running.stop())
      const call = (user: TestUser, method: string, path: string, body?: unknown) =>
        fetch(`http://127.0.0.1:${message.port}${path}`, {
          method,
          headers: { ...user.headers, 'content-type': 'application/json', 'idempotency-key': newId() },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
      return {
        call,
        async converse(one: TestUser, other: TestUser) {
          const answer = await call(one, 'POST', '/api/v1/conversations', { userId: other.id })
          return Conversation.parse(await answer.json()).id
        },
        /** Tells message of a block as user would. */
        async block(owner: TestUser, other: TestUser) {
          const relation = { ownerId: owner.id, otherId: other.id, blocked: true, contact: false, version: 1 }
          const answer = await fetch(`http://127.0.0.1:${message.port}/internal/v1/relations`, {
            method: 'PUT',
            headers: { ...(await deps.serviceHeaders('user')), 'content-type': 'application/json' },
            body: JSON.stringify(relation),
          })
          if (!answer.ok) throw new Error(`message answered ${answer.status}`)
        },
      }
    },
    /** Has the stand-in for auth say that tokens are void. */
    revoke: (scope: 'session' | 'user', id: string) =>
      nats.publish(
        toRow(tokensRevoked.emit({ subject: id, data: { scope, id, notBefore: Date.now() / 1_000 + 1 } })),
      ),
    /** Publishes messages as message would, one after the other; answers their texts. */
    async publish(userIds: readonly string[], count: number, { from = 0, text = '' } = {}) {
      const texts = Array.from({ length: count }, (_, index) => `${from + index}${text}`)
      for (const each of texts) await nats.publish(toRow(createdEvent(userIds, each)))
      return texts
    },
  }
}

export type World = Awaited<ReturnType<typeof startWorld>>

export async function createTicket(node: TestNode, user: TestUser): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${node.port}/api/v1/ws/ticket`, {
    method: 'POST',
    headers: user.headers,
  })
  const body: unknown = await answer.json()
  if (typeof body === 'object' && body && 'ticket' in body) return String(body.ticket)
  throw new Error(`no ticket: ${answer.status}`)
}

/** Auth knows everybody. */
function standInForUsers({ host }: TestDeps): void {
  const keys = host.local.get('auth')
  host.local.set('auth', (request) => {
    const id = /^\/internal\/v1\/users\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1]
    return id || !keys ? Response.json({ id, username: 'someone', role: 'user' }) : keys(request)
  })
}

/** The messages that a socket was shown as new, in their order. */
export const messagesOf = (socket: TestSocket): Message[] =>
  socket.frames.flatMap((frame) =>
    frame.type === 'event' && frame.event.type === messageCreated.type
      ? messageCreated.schema.parse(frame.event.data)
      : [],
  )

export const textsOf = (socket: TestSocket): string[] => messagesOf(socket).flatMap(({ text }) => text ?? [])

/** The numbers with which published texts begin, in the order in which a socket was shown them. */
export const numbersOf = (socket: TestSocket): number[] =>
  textsOf(socket).map((text) => Number.parseInt(text, 10))

/** The places in the mailbox of the events that a socket was shown. */
export const placesOf = (socket: TestSocket): number[] =>
  socket.all('event').map(({ cursor }) => parseCursor(cursor)?.n ?? Number.NaN)

export const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index)

async function startService(deps: TestDeps, service: Service, host: Host, variables: Record<string, string>) {
  const running = await service.start(host, { ...(await deps.environment(service.name)), ...variables })
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 120,
    fetch: (request, server) => running.fetch(request, server),
    websocket: running.websocket ?? { message() {} },
  })
  host.local.set(service.name, (request) => running.fetch(request, server))
  return { host, running, server, port: server.port ?? 0 }
}

async function runNode(deps: TestDeps, host: Host, variables: Record<string, string>): Promise<TestNode> {
  const { running, server, port } = await startService(deps, websocketService, host, variables)
  let ended = false
  return {
    host,
    running,
    port,
    async crash() {
      ended = true
      await server.stop(true)
      await (await host.nats()).connection.close()
      host.redis().disconnect()
    },
    async stop() {
      if (ended) return
      await running.stop()
      await server.stop(true)
      if (host !== deps.host) await host.stop()
    },
  }
}
