import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import { pushEphemeral } from './push.ts'
import type { Session } from './session.ts'

/** Shows people to sockets. Who was left out because a socket was behind is shown once it is not any more. */
export type Missed = {
  show(session: Session, userId: string, text: string): void
  /** The socket does not want this person any more. */
  forget(session: Session, userId: string): void
  stop(): Promise<void>
}

const lookMs = 250

type Options = {
  log: Log
  /** Shows people as they are now. */
  showNow(session: Session, userIds: readonly string[]): Promise<void>
}

export function createMissed({ log, showNow }: Options): Missed {
  const missed = new Map<Session, Set<string>>()
  const stop = every(lookMs, log, async () => {
    for (const [session, userIds] of missed) {
      if (session.phase === 'closed' || userIds.size === 0) missed.delete(session)
      else if (session.phase === 'open' && session.stalledAt === 0) await showNow(session, [...userIds])
    }
  })
  return {
    show(session, userId, text) {
      const userIds = missed.get(session)
      if (pushEphemeral(session, text)) userIds?.delete(userId)
      else if (userIds) userIds.add(userId)
      else missed.set(session, new Set([userId]))
    },
    forget: (session, userId) => void missed.get(session)?.delete(userId),
    stop,
  }
}
