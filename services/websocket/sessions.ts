import type { Session } from './session.ts'

/** The sockets of this node. */
export type Sessions = {
  add(session: Session): void
  remove(session: Session): void
  /** A user's sockets. */
  of(userId: string): readonly Session[]
  users(): Iterable<string>
  all(): Iterable<Session>
}

const none: readonly Session[] = []

export function createSessions(): Sessions {
  const users = new Map<string, Session[]>()
  return {
    add(session) {
      const own = users.get(session.userId)
      if (own) own.push(session)
      else users.set(session.userId, [session])
    },
    remove(session) {
      const own = users.get(session.userId)
      const index = own?.indexOf(session) ?? -1
      if (!own || index < 0) return
      own.splice(index, 1)
      if (own.length === 0) users.delete(session.userId)
    },
    of: (userId) => users.get(userId) ?? none,
    users: () => users.keys(),
    *all() {
      for (const own of users.values()) yield* own
    },
  }
}

/** A user is online at a node when one of the devices is. */
export const statusOf = (sessions: readonly Session[]): 'online' | 'away' =>
  sessions.length > 0 && sessions.every((session) => session.status === 'away') ? 'away' : 'online'
