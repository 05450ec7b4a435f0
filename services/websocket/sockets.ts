import type { WebSocketHandler } from 'bun'
import type { Ctx } from './context.ts'
import { closeCodes } from './frames.ts'
import { openSockets } from './metrics.ts'
import type { Parts } from './parts.ts'
import { close } from './push.ts'
import { receive } from './receive.ts'
import type { Session } from './session.ts'
import type { Watch } from './watch.ts'

/** What the server itself cuts off: a frame of twice the size, and a reader who leaves a megabyte untaken. */
const maxPayloadBytes = 128 << 10
const backpressureBytes = 1 << 20

/** The handlers that Bun calls for every socket of this node. */
export const createHandlers = (ctx: Ctx, parts: Parts, watch: Watch): WebSocketHandler<Session> => ({
  maxPayloadLength: maxPayloadBytes,
  backpressureLimit: backpressureBytes,
  closeOnBackpressureLimit: true,
  perMessageDeflate: false,
  idleTimeout: ctx.config.IDLE_SECONDS,
  sendPings: true,
  open(socket) {
    const session = socket.data
    session.socket = socket
    ctx.sessions.add(session)
    openSockets.inc()
    watch.opened(session)
    // The session may have ended while auth was asked about it, when no socket could be closed yet.
    if (ctx.identity.revocations.isRevoked(session))
      close(session, closeCodes.sessionEnded, 'the session has ended')
  },
  message: (socket, raw) => receive(ctx, parts, socket.data, raw),
  drain: ({ data }) => parts.reader.drained(data),
  close({ data: session }) {
    session.phase = 'closed'
    session.socket = undefined
    ctx.sessions.remove(session)
    openSockets.dec()
    watch.closed(session)
    parts.presence.left(session)
    void parts.typing.leave(session).catch((error) => ctx.log.debug({ err: error }, 'typing not ended'))
  },
})
