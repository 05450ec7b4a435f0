import type { Subscription } from '@nats-io/transport-node'
import { every } from '@plaza/kit/every'
import { type Presence, readPresence, registerPresence, unregister } from '@plaza/relay/mailbox'
import type { Ctx } from './context.ts'
import { createMissed } from './missed.ts'
import type { RelationChanges } from './relation-changes.ts'
import type { Session } from './session.ts'
import { statusOf } from './sessions.ts'
import { createVisibility } from './visibility.ts'

/** Who is there, shown to those who asked for a person and may see them. */
export type PresenceBoard = {
  /** A socket is ready, which the registry knows already. */
  arrived(session: Session): Promise<void>
  /** A user says how they are. */
  changed(session: Session): Promise<void>
  /** A socket has closed. */
  left(session: Session): void
  watch(session: Session, userIds: readonly string[]): Promise<void>
  unwatch(session: Session, userIds: readonly string[]): void
  /** Tells everyone that this node's users have left it. */
  stop(): Promise<void>
}

type Options = Pick<Ctx, 'redis' | 'nats' | 'log' | 'node' | 'sessions' | 'config' | 'user'>
type Watched = { subscription: Subscription; watchers: Set<Session>; shown: string }

const hidden: Presence = { status: 'offline', lastSeenAt: null }
/** Changes within this time are shown as one. */
const gatherMs = 100
/** A node that ended without a word is noticed by looking; so is a change whose word was lost. */
const lookAgainMs = 30_000
/** So many people are looked at, or leave with their node, at a time. */
const atOnce = 200

export const maxWatched = 200

const frameOf = (userId: string, { status, lastSeenAt }: Presence) =>
  JSON.stringify({
    type: 'presence',
    userId,
    status,
    lastSeenAt: status === 'online' || lastSeenAt === null ? null : new Date(lastSeenAt).toISOString(),
  })

export function createPresence(ctx: Options, relations: RelationChanges): PresenceBoard {
  const { redis, nats, log, node, sessions, config } = ctx
  const watched = new Map<string, Watched>()
  const leaving = new Map<string, number>()
  const told = new Map<string, string>()
  const toLookAt = new Set<string>()
  const subjectOf = (userId: string) => `presence.${userId}`

  const showNow = async (session: Session, userIds: readonly string[]) => {
    const found = await readPresence(redis, userIds)
    for (const [index, userId] of userIds.entries()) {
      const visible = session.watching?.get(userId)
      // Who is not watched any more by now is not shown.
      if (visible === undefined) continue
      missed.show(session, userId, frameOf(userId, (visible && found[index]) || hidden))
    }
  }
  const missed = createMissed({ log, showNow })
  const lookAt = async (userIds: readonly string[]) => {
    const found = await readPresence(redis, userIds)
    userIds.forEach((userId, index) => {
      const entry = watched.get(userId)
      const presence = found[index] ?? hidden
      const shown = frameOf(userId, presence)
      if (!entry || entry.shown === shown) return
      entry.shown = shown
      for (const session of entry.watchers)
        if (session.watching?.get(userId)) missed.show(session, userId, shown)
    })
  }
  /** Part by part: many at once would hold up all that this node does, and one who cannot be read all the others. */
  const look = async (userIds: readonly string[], signal: AbortSignal) => {
    for (let from = 0; from < userIds.length && !signal.aborted; from += atOnce)
      await lookAt(userIds.slice(from, from + atOnce)).catch((error) =>
        log.debug({ err: error }, 'presence not looked at'),
      )
  }
  const visibility = createVisibility(ctx, relations, showNow)
  /** Says that a user's state at this node has changed; who watches then looks. */
  const tell = async (userId: string, registered = false) => {
    const own = sessions.of(userId)
    const status = own.length > 0 ? statusOf(own) : 'offline'
    if (told.get(userId) === status) return
    if (status === 'offline') told.delete(userId)
    else told.set(userId, status)
    try {
      if (status === 'offline') await unregister(redis, node, userId)
      else if (!registered) await registerPresence(redis, node, userId, status)
    } catch (error) {
      // Said again, it is no repeat.
      told.delete(userId)
      throw error
    }
    nats.connection.publish(subjectOf(userId))
  }
  /** One whose keys Redis cannot write holds up nobody else; with Redis away all wait. */
  const tellIfWritable = (userId: string) =>
    tell(userId).catch((error) => {
      if (error.name !== 'ReplyError') throw error
      log.debug({ err: error, userId }, 'presence not noted')
    })
  const sweep = async () => {
    const now = performance.now()
    for (const [userId, since] of leaving) {
      if (now - since < config.OFFLINE_AFTER_SECONDS * 1_000) continue
      if (sessions.of(userId).length === 0) await tellIfWritable(userId)
      // Who has come and left again meanwhile is leaving anew.
      if (leaving.get(userId) === since) leaving.delete(userId)
    }
  }
  /** Part by part, so that no command waits for long; where Redis is away this fails, and leases end by themselves. */
  const leaveAll = async (userIds: readonly string[]) => {
    for (let from = 0; from < userIds.length; from += atOnce)
      await Promise.all(userIds.slice(from, from + atOnce).map((userId) => unregister(redis, node, userId)))
  }
  const stops = [
    every(gatherMs, log, async (signal) => {
      const userIds = [...toLookAt]
      toLookAt.clear()
      await look(userIds, signal)
    }),
    every(500, log, sweep),
    every(lookAgainMs, log, (signal) => look([...watched.keys()], signal)),
  ]

  return {
    async arrived({ userId }) {
      leaving.delete(userId)
      await tell(userId, true)
    },
    changed: ({ userId }) => tell(userId),
    left(session) {
      for (const userId of session.watching?.keys() ?? []) forget(session, userId)
      if (sessions.of(session.userId).length === 0) leaving.set(session.userId, performance.now())
      else void tell(session.userId).catch((error) => log.debug({ err: error }, 'presence not told'))
    },
    async watch(session, userIds) {
      session.watching ??= new Map()
      for (const userId of userIds) {
        if (!session.watching.has(userId)) session.watching.set(userId, false)
        const entry = watched.get(userId) ?? follow(userId)
        entry.watchers.add(session)
      }
      await visibility.ask(session, userIds)
    },
    unwatch(session, userIds) {
      for (const userId of userIds) {
        session.watching?.delete(userId)
        forget(session, userId)
      }
    },
    async stop() {
      await Promise.all([visibility.stop(), missed.stop(), ...stops.map((stop) => stop())])
      for (const { subscription } of watched.values()) subscription.unsubscribe()
      const left = [...new Set([...told.keys(), ...leaving.keys()])]
      await leaveAll(left).catch(() => {})
      for (const userId of left) nats.connection.publish(subjectOf(userId))
    },
  }

  function follow(userId: string): Watched {
    const subscription = nats.connection.subscribe(subjectOf(userId), {
      callback: () => void toLookAt.add(userId),
    })
    const entry = { subscription, watchers: new Set<Session>(), shown: '' }
    watched.set(userId, entry)
    return entry
  }

  function forget(session: Session, userId: string): void {
    missed.forget(session, userId)
    const entry = watched.get(userId)
    if (!entry?.watchers.delete(session) || entry.watchers.size > 0) return
    entry.subscription.unsubscribe()
    watched.delete(userId)
  }
}
