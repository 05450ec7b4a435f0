import { every } from '@plaza/kit/every'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import type { RelationChange, RelationChanges } from './relation-changes.ts'
import type { Session } from './session.ts'

const Visible = z.object({ userIds: z.array(z.uuid()) })

/** Who may see whom, as user says; asked again now and then, and when user tells of a change. */
export type Visibility = {
  ask(session: Session, userIds: readonly string[]): Promise<void>
  stop(): Promise<void>
}

const settleMs = 200

type Shown = (session: Session, userIds: readonly string[]) => Promise<void>

/** `shown` is called with those whose visibility was asked for the first time, or has changed. */
export function createVisibility(
  { user, log, sessions, config }: Pick<Ctx, 'user' | 'log' | 'sessions' | 'config'>,
  relations: RelationChanges,
  shown: Shown,
): Visibility {
  const toAsk = new Set<Session>()

  const ask = async (session: Session, userIds: readonly string[], all: boolean) => {
    const visible = new Set(await listVisible(session.userId, userIds))
    const changed = userIds.filter((id) => all || session.watching?.get(id) !== visible.has(id))
    for (const id of userIds) if (session.watching?.has(id)) session.watching.set(id, visible.has(id))
    if (changed.length > 0) await shown(session, changed)
  }
  const listVisible = async (viewerId: string, userIds: readonly string[]) => {
    const answer = await user('http://user/internal/v1/presence/visible', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': viewerId },
      body: JSON.stringify({ viewerId, userIds }),
    })
    if (!answer.ok) throw new Error(`user answered ${answer.status}`)
    return Visible.parse(await answer.json()).userIds
  }
  /** Who could not be asked about is asked about later, after the others. */
  const askAgain = async (session: Session) => {
    toAsk.delete(session)
    session.visibleAt = performance.now()
    const { watching, phase } = session
    if (!watching || watching.size === 0 || phase === 'closed') return
    try {
      await ask(session, [...watching.keys()], false)
    } catch (error) {
      toAsk.add(session)
      throw error
    }
  }
  relations.onChange((change) => {
    for (const session of sessions.all())
      if (session.watching && concerns(session, change)) toAsk.add(session)
  })
  const askWaiting = async () => {
    for (const session of [...toAsk]) await askAgain(session)
  }
  const stops = [
    every(settleMs, log, () =>
      askWaiting().catch((error) => log.debug({ err: error }, 'visibility not asked; it is asked again')),
    ),
    every(1_000, log, async () => {
      const before = performance.now() - config.VISIBLE_SECONDS * 1_000
      for (const session of sessions.all())
        if (session.watching && session.visibleAt < before) await askAgain(session)
    }),
  ]
  return {
    async ask(session, userIds) {
      if (session.visibleAt === 0) session.visibleAt = performance.now()
      await ask(session, userIds, true)
    },
    async stop() {
      await Promise.all(stops.map((stop) => stop()))
    },
  }
}

/** Either side's change may hide one from the other; a change of privacy concerns all who watch its owner. */
function concerns({ userId: viewer, watching }: Session, { userId, otherId }: RelationChange) {
  if (watching?.has(userId) && (otherId === undefined || otherId === viewer)) return true
  return viewer === userId && otherId !== undefined && watching?.has(otherId)
}
