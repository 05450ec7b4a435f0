import type { ClientFrame, ServerFrame } from '../wire.ts'
import { createBudget } from './budget.ts'
import { createHeartbeat } from './heartbeat.ts'

export type ReadyFrame = Extract<ServerFrame, { type: 'ready' }>

/** One open socket that has been greeted. */
export type Connection = {
  /** Answers false when the socket does not take frames any more. */
  send(frame: ClientFrame): boolean
  /** Sends what may go another way, later or not at all: answers false also when the server would soon refuse more. */
  offer(frame: ClientFrame): boolean
  close(): void
  /** Closes it since it could not be made use of. */
  fail(): void
}

type Options = {
  url: string | URL
  ticket: string
  cursor: string | undefined
  framesPerMinute: number
  signal: AbortSignal
  onReady(connection: Connection, ready: ReadyFrame): void
  onFrame(frame: ServerFrame): void
  /** Called at its end, before anybody else learns of it. */
  onEnd(): void
}

/** Why a connection ended: `moved` when the server asked to go on elsewhere at once, `failed` when the next one is likely to end alike. */
export type Ending = { wasReady: boolean; moved: boolean; failed: boolean; code: number }

const readyWithinMs = 10_000
/** One that breaks sooner says little for the next one. */
const steadyAfterMs = 5_000

/** Runs one connection from its ticket to its end, which the answer tells of. Never rejects. */
export const runConnection = (options: Options): Promise<Ending> =>
  new Promise((resolve) => {
    const socket = new WebSocket(socketUrl(options.url, options.ticket))
    const ending: Ending = { wasReady: false, moved: false, failed: false, code: 0 }
    let moving: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    let readyAt = 0
    const end = (code: number) => {
      clearTimeout(greeting)
      heartbeat.stop()
      clearTimeout(moving)
      options.signal.removeEventListener('abort', close)
      socket.onmessage = null
      socket.onclose = null
      if (!isOver) options.onEnd()
      isOver = true
      resolve({ ...ending, code })
    }
    // A socket whose line is dead takes minutes to close by itself; it is let go at once.
    const close = () => {
      socket.close()
      end(0)
    }
    const greeting = setTimeout(close, readyWithinMs)
    const budget = createBudget(options.framesPerMinute)
    const isOpen = () => socket.readyState === WebSocket.OPEN
    const say = (frame: ClientFrame) => {
      socket.send(JSON.stringify(frame))
      return true
    }
    const connection: Connection = {
      send(frame) {
        if (!isOpen()) return false
        budget.spend(frame)
        return say(frame)
      },
      offer: (frame) => isOpen() && budget.take(frame) && say(frame),
      close,
      fail() {
        ending.failed = true
        close()
      },
    }
    const heartbeat = createHeartbeat(() => connection.send({ type: 'ping' }), close)

    socket.onopen = () => connection.send({ type: 'hello', cursor: options.cursor })
    socket.onmessage = ({ data }) => {
      heartbeat.hear()
      const frame = parseFrame(data)
      if (!frame) return
      if (frame.type === 'ready') {
        clearTimeout(greeting)
        ending.wasReady = true
        readyAt = Date.now()
        heartbeat.start(frame.heartbeatSeconds)
        options.onReady(connection, frame)
      } else if (frame.type === 'resume') {
        ending.moved = true
        // Until then this socket is served on; not all clients of a node leave it at once.
        moving = setTimeout(close, Math.random() * frame.withinMs)
      } else options.onFrame(frame)
    }
    // 4503 and 4009: the server sends this socket elsewhere. 4429: it was told too much.
    socket.onclose = ({ code }) => {
      ending.failed ||= code === 4429 || Date.now() - readyAt < steadyAfterMs
      ending.moved ||= code === 4503 || code === 4009
      end(code)
    }
    options.signal.addEventListener('abort', close)
    if (options.signal.aborted) close()
  })

function socketUrl(url: string | URL, ticket: string): URL {
  const target = new URL('/api/v1/ws', url)
  target.protocol = target.protocol.replace('http', 'ws')
  target.searchParams.set('ticket', ticket)
  return target
}

/** The server's frames are trusted to be of its own types; what a newer server adds is passed over by its `type`. */
const parseFrame = (data: unknown): ServerFrame | undefined =>
  typeof data === 'string' ? JSON.parse(data) : undefined
