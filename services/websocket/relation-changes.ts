import type { Nats } from '@plaza/kit/nats'
import { z } from 'zod'

/** Somebody changed how they stand to another, or, without `otherId`, to everybody. */
export type RelationChange = { userId: string; otherId?: string | undefined }

/** Changes after which somebody may see or reach another, or may not any more. */
const subjects = ['evt.block.>', 'evt.contact.>', 'evt.privacy.>']
const Event = z.object({ data: z.object({ userId: z.uuid(), otherId: z.uuid().optional() }) })

export type RelationChanges = {
  /** Calls back for each change that user tells of. */
  onChange(listener: (change: RelationChange) => void): void
  stop(): void
}

export function followRelationChanges(nats: Nats): RelationChanges {
  const listeners: ((change: RelationChange) => void)[] = []
  const subscriptions = subjects.map((subject) =>
    nats.connection.subscribe(subject, {
      callback(_error, message) {
        const event = Event.safeParse(readJson(message.string()))
        if (event.success) for (const listener of listeners) listener(event.data.data)
      },
    }),
  )
  return {
    onChange: (listener) => void listeners.push(listener),
    stop() {
      for (const subscription of subscriptions) subscription.unsubscribe()
    },
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
