import type { Nats } from '@plaza/kit/nats'
import { z } from 'zod'

/** Somebody changed how they stand to another, or, without `otherId`, to everybody. */
export type RelationChange = { userId: string; otherId?: string | undefined }

/** Changes after which somebody may see or reach another, or may not any more. */
const subjects = ['evt.block.>', 'evt.contact.>', 'evt.privacy.>']
const Event = z.object({ data: z.object({ userId: z.uuid(), otherId: z.uuid().optional() }) })

/** Calls `changed` for each change that user tells of; answers how to stop. */
export function followRelationChanges(nats: Nats, changed: (change: RelationChange) => void): () => void {
  const subscriptions = subjects.map((subject) =>
    nats.connection.subscribe(subject, {
      callback(_error, message) {
        const event = Event.safeParse(readJson(message.string()))
        if (event.success) changed(event.data.data)
      },
    }),
  )
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
