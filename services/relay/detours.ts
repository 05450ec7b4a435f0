import type { OutboxRow } from '@plaza/kit/publisher'

/** The events that go to the mailboxes by the broker: until they are there, what follows for the same users goes after them. */
export type Detours = {
  has(event: OutboxRow): boolean
  begin(event: OutboxRow): void
  end(eventId: string): void
}

/** An event that another instance took from the broker never arrives here. */
const keepMs = 60_000

export function createDetours(): Detours {
  const events = new Map<string, { userIds: string[]; at: number }>()
  /** How many of a user's events are on the way. */
  const users = new Map<string, number>()

  const end = (eventId: string) => {
    for (const userId of events.get(eventId)?.userIds ?? []) {
      const left = (users.get(userId) ?? 1) - 1
      if (left > 0) users.set(userId, left)
      else users.delete(userId)
    }
    events.delete(eventId)
  }
  return {
    has({ recipients }) {
      return users.size > 0 && recipients.split(',').some((userId) => users.has(userId))
    },
    begin({ id, recipients }) {
      const now = performance.now()
      // They stand in the order of their times.
      for (const [eventId, { at }] of events) {
        if (at > now - keepMs) break
        end(eventId)
      }
      if (events.has(id)) return
      const userIds = recipients.split(',')
      events.set(id, { userIds, at: now })
      for (const userId of userIds) users.set(userId, (users.get(userId) ?? 0) + 1)
    },
    end,
  }
}
