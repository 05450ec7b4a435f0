import { findNodes } from '@plaza/relay/mailbox'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import { publishEphemeral } from './live.ts'
import type { RelationChange, RelationChanges } from './relation-changes.ts'
import type { Session } from './session.ts'

export type Typing = {
  note(session: Session, conversationId: string, active: boolean): Promise<void>
  /** Ends what was not said again in time. */
  sweep(): Promise<void>
  /** Ends what a socket had begun. */
  leave(session: Session): Promise<void>
}

/** Typing that is not repeated ends after so long. */
const activeMs = 10_000
const audienceMs = 10_000
const perSocketMs = 500
/** Message may hear of a change later than this node; what it says meanwhile holds for one frame. */
const settleMs = 1_000

const Audience = z.object({ userIds: z.array(z.uuid()) })
type Known = { userIds: string[]; at: number }
type Active = { session: Session; conversationId: string; shownTo: string[]; until: number }

/** Shows who is typing to those who may know; nothing of it is stored, and what is lost ends by itself. */
export function createTyping({ message, redis, nats, log }: Ctx, relations: RelationChanges): Typing {
  const audiences = new LRUCache<string, Known>({ max: 10_000, ttl: audienceMs })
  const changes = new LRUCache<string, number>({ max: 10_000, ttl: audienceMs + settleMs })
  const active = new Map<string, Active>()

  const findAudience = async (userId: string, conversationId: string): Promise<string[]> => {
    const key = `${userId} ${conversationId}`
    const known = audiences.get(key)
    if (known && isFresh(userId, known)) return known.userIds
    const at = performance.now()
    const answer = await message(
      `http://message/internal/v1/conversations/${conversationId}/audience?userId=${userId}`,
    )
    const userIds = answer.ok ? Audience.parse(await answer.json()).userIds : []
    audiences.set(key, { userIds, at })
    return userIds
  }
  const isFresh = (userId: string, { userIds, at }: Known) =>
    [userId, ...userIds].every((id) => at > (changes.get(id) ?? 0) + settleMs)
  const show = async ({ session, conversationId, shownTo }: Active, isActive: boolean) => {
    if (shownTo.length === 0) return
    const frame = { type: 'typing', conversationId, userId: session.userId, active: isActive }
    publishEphemeral(nats, await findNodes(redis, shownTo), JSON.stringify(frame))
  }
  const end = async (key: string, one: Active) => {
    if (active.delete(key)) await show(one, false)
  }
  const endAll = async (which: (one: Active) => boolean) => {
    for (const [key, one] of active) if (which(one)) await end(key, one)
  }
  relations.onChange((change) => {
    const { userId, otherId } = change
    for (const id of otherId ? [userId, otherId] : [userId]) changes.set(id, performance.now())
    void endAll((one) => concerns(one, change)).catch((error) =>
      log.debug({ err: error }, 'typing not ended'),
    )
  })
  return {
    async note(session, conversationId, isActive) {
      const key = `${session.userId} ${conversationId}`
      if (!isActive) {
        const one = active.get(key)
        return one && (await end(key, one))
      }
      const now = performance.now()
      if (now - session.typedAt < perSocketMs) return
      session.typedAt = now
      const before = active.get(key)
      const one: Active = { session, conversationId, shownTo: before?.shownTo ?? [], until: now + activeMs }
      active.set(key, one)
      one.shownTo = await findAudience(session.userId, conversationId)
      if (before && one.shownTo.length === 0) await show(before, false)
      if (active.get(key) === one) await show(one, true)
    },
    sweep: () => endAll(({ until }) => until <= performance.now()),
    leave: (session) => endAll((one) => one.session === session),
  }
}

/** Whether a change may keep who is typing from those who are shown it. */
function concerns({ session, shownTo }: Active, { userId, otherId }: RelationChange): boolean {
  const pair = [session.userId, ...shownTo]
  return pair.includes(userId) && (otherId === undefined || pair.includes(otherId))
}
