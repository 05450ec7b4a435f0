import { dataErased } from '@plaza/kit/erasure'
import { defineEvent } from '@plaza/kit/events'
import { z } from 'zod'
import { QueueData, QueueType } from './schema.ts'

/** Something was enqueued for a user; the subject is the user. */
export const queueEnqueued = defineEvent(
  'relay',
  'queue.enqueued',
  z.object({ queueId: z.uuid(), type: QueueType, data: QueueData, expiresAt: z.iso.datetime() }),
)

/** The receipt that nothing of a deleted user's is left here. */
export const relayDataErased = dataErased('relay')

/** The stream that this service owns. */
export const relayStream = { name: 'RELAY', subjects: ['evt.queue.>', 'evt.relay_data.>'] }
