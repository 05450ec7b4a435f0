import { findNodes } from '@plaza/relay/mailbox'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import { publishEphemeral } from './live.ts'
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

const Audience = z.object({ userIds: z.array(z.uuid()) })
type Active = { session: Session; conversationId: string; until: number }

/** Shows who is typing to those who may know; nothing of it is stored, and what is lost ends by itself. */
export function createTyping({ message, redis, nats }: Pick<Ctx, 'message' | 'redis' | 'nats'>): Typing {
  const audiences = new LRUCache<string, string[]>({ max: 10_000, ttl: audienceMs })
  const active = new Map<string, Active>()

  const findAudience = async (userId: string, conversationId: string): Promise<string[]> => {
    const key = `${userId} ${conversationId}`
    const known = audiences.get(key)
    if (known) return known
    const answer = await message(
      `http://message/internal/v1/conversations/${conversationId}/audience?userId=${userId}`,
    )
    const userIds = answer.ok ? Audience.parse(await answer.json()).userIds : []
    audiences.set(key, userIds)
    return userIds
  }
  const show = async ({ userId }: Session, conversationId: string, isActive: boolean) => {
    const userIds = await findAudience(userId, conversationId)
    if (userIds.length === 0) return
    const frame = { type: 'typing', conversationId, userId, active: isActive }
    publishEphemeral(nats, await findNodes(redis, userIds), JSON.stringify(frame))
  }
  const end = async (key: string, { session, conversationId }: Active) => {
    if (active.delete(key)) await show(session, conversationId, false)
  }
  const endAll = async (which: (one: Active) => boolean) => {
    for (const [key, one] of active) if (which(one)) await end(key, one)
  }
  return {
    async note(session, conversationId, isActive) {
      const key = `${session.userId} ${conversationId}`
      if (!isActive) {
        const one = active.get(key)
        return one && (await end(key, one))
      }
      const now = Date.now()
      if (now - session.typedAt < perSocketMs) return
      session.typedAt = now
      active.set(key, { session, conversationId, until: now + activeMs })
      await show(session, conversationId, true)
    },
    sweep: () => endAll(({ until }) => until <= Date.now()),
    leave: (session) => endAll((one) => one.session === session),
  }
}
