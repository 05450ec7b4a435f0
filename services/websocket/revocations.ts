import type { Ctx } from './context.ts'
import { closeCodes } from './frames.ts'
import { sendElsewhere } from './leave.ts'
import type { Parts } from './parts.ts'
import { close } from './push.ts'

/**
 * Closes sockets as their sessions end: a socket lives as long as its session. When endings may have been missed, all
 * are sent to connect anew, which those whose sessions go on can.
 */
export const closeRevoked = (ctx: Ctx, parts: Parts): (() => void) =>
  ctx.identity.revocations.onRevoked(
    ({ scope, id, notBefore }) => {
      const concerned = scope === 'user' ? [...ctx.sessions.of(id)] : [...ctx.sessions.all()]
      for (const session of concerned) {
        const ended = scope === 'user' ? session.issuedAt < notBefore : session.sessionId === id
        if (ended) close(session, closeCodes.sessionEnded, 'the session has ended')
      }
    },
    () => void sendElsewhere(ctx, parts),
  )
