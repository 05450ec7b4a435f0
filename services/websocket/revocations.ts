import type { Ctx } from './context.ts'
import { closeCodes } from './frames.ts'
import { close } from './push.ts'

/** Closes sockets as their sessions end: a socket lives as long as its session. */
export const closeRevoked = ({ identity, sessions }: Ctx): (() => void) =>
  identity.revocations.onRevoked(({ scope, id, notBefore }) => {
    const concerned = scope === 'user' ? [...sessions.of(id)] : [...sessions.all()]
    for (const session of concerned) {
      const ended = scope === 'user' ? session.issuedAt < notBefore : session.sessionId === id
      if (ended) close(session, closeCodes.sessionEnded, 'the session has ended')
    }
  })
