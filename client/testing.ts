import { afterAll } from 'bun:test'
import type { ServerWebSocket } from 'bun'
import { PlazaClient } from './client.ts'
import type { ClientFrame, Message, PlazaEvent, ServerFrame, Session } from './wire.ts'

type Answer = (request: { url: URL; body: unknown; headers: Headers }) => unknown
export type Socket = {
  cursor: string | undefined
  send(frame: ServerFrame): void
  close(code?: number): void
}

/**
 * A server that does as the test says: `routes` answers calls by `METHOD /path`, `hello` what a new socket
 * is told first. It keeps what it was asked.
 */
export function scriptServer() {
  const routes: Record<string, Answer> = {
    'POST /api/v1/ws/ticket': () => ({ ticket: crypto.randomUUID() }),
    'GET /api/v1/conversations': () => ({ items: [], nextCursor: null }),
  }
  const script = {
    routes,
    calls: [] as string[],
    sockets: [] as Socket[],
    frames: [] as ClientFrame[],
    hello: (socket: Socket) => socket.send(ready()),
    onFrame: (_socket: Socket, _frame: ClientFrame) => {},
  }
  const open = new Map<ServerWebSocket<unknown>, Socket>()
  const server = Bun.serve({
    port: 0,
    async fetch(request, self) {
      const url = new URL(request.url)
      if (url.pathname === '/api/v1/ws') return self.upgrade(request) ? undefined : refusal(400)
      const name = `${request.method} ${url.pathname}`
      script.calls.push(name)
      const answer = routes[name]
      if (!answer) return refusal(404)
      const text = await request.text()
      const result = await answer({
        url,
        body: text ? JSON.parse(text) : undefined,
        headers: request.headers,
      })
      return result instanceof Response ? result : Response.json(result)
    },
    websocket: {
      open(ws) {
        const send = (frame: ServerFrame) => void ws.send(JSON.stringify(frame))
        open.set(ws, { cursor: undefined, send, close: (code) => ws.close(code) })
      },
      message(ws, text) {
        const socket = open.get(ws)
        if (!socket) return
        const frame: ClientFrame = JSON.parse(String(text))
        script.frames.push(frame)
        if (frame.type !== 'hello') return script.onFrame(socket, frame)
        socket.cursor = frame.cursor
        script.sockets.push(socket)
        script.hello(socket)
      },
      close: (ws) => void open.delete(ws),
    },
  })
  afterAll(() => server.stop(true))
  return { script, url: server.url }
}

export const refusal = (status: number, code = 'invalid', reason?: string) =>
  new Response(JSON.stringify({ type: 'about:blank', title: code, status, code, reason }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })

export const ready = (cursor = 'e-0', resumed = false): ServerFrame => ({
  type: 'ready',
  sessionId: 's',
  cursor,
  resumed,
  heartbeatSeconds: 40,
})

const me = 'me'
export const sessionOf = (number = 1, lifeMs = 600_000): Session => ({
  user: { id: me, username: 'me', email: 'me@example.org', emailVerified: true, role: 'user', createdAt: '' },
  sessionId: 's',
  accessToken: `access-${number}`,
  expiresAt: new Date(Date.now() + lifeMs).toISOString(),
  refreshToken: `refresh-${number}`,
})

/** A client that is logged in at a scripted server. */
export async function clientOf(
  { url, script }: ReturnType<typeof scriptServer>,
  options: Partial<ConstructorParameters<typeof PlazaClient>[0]> = {},
) {
  script.routes['POST /api/v1/auth/login'] ??= () => sessionOf()
  const client = new PlazaClient({ url, ...options })
  afterAll(() => client.close())
  await client.account.logIn({ login: 'me', password: 'x' })
  return client
}

export const message = (seq: number, revision = seq, more: Partial<Message> = {}): Message => ({
  id: `m${seq}`,
  conversationId: 'c',
  seq,
  revision,
  senderId: 'other',
  text: `${seq}`,
  envelope: null,
  replyToId: null,
  reactions: [],
  createdAt: '',
  editedAt: null,
  deletedAt: null,
  ...more,
})

/** An event frame as the server sends it. */
export const eventFrame = (n: number, type: string, data: unknown): ServerFrame => {
  const event: PlazaEvent = {
    specversion: '1.0',
    id: `${n}`,
    source: '/',
    type,
    subject: 'c',
    time: '',
    data,
  }
  return { type: 'event', cursor: `e-${n}`, event }
}

/** Waits until a check passes, and fails with its last complaint after ten seconds. */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await check()
    } catch (error) {
      if (tries === 500) throw error
      await Bun.sleep(20)
    }
  }
}
