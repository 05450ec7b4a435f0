import { z } from '@hono/zod-openapi'
import { dataErased } from '@plaza/kit/erasure'
import { defineEvent } from '@plaza/kit/events'
import { ContactState, Privacy, Profile } from './schema.ts'

/**
 * What `userId` has set about `otherId`, whole, as `userId` alone may see it: `blocked` is the owner's own
 * block. `version` is the owner's counter; of two events about the same pair the higher one holds.
 */
export const RelationData = z.object({
  userId: z.uuid(),
  otherId: z.uuid(),
  state: ContactState,
  blocked: z.boolean(),
  version: z.int(),
})
export type RelationData = z.infer<typeof RelationData>

export const profileUpdated = defineEvent('user', 'profile.updated', Profile)
export const privacyChanged = defineEvent('user', 'privacy.changed', Privacy.extend({ userId: z.uuid() }))

export const contactRequested = defineEvent('user', 'contact.requested', RelationData)
export const contactAccepted = defineEvent('user', 'contact.accepted', RelationData)
export const contactRefused = defineEvent('user', 'contact.refused', RelationData)
export const contactRemoved = defineEvent('user', 'contact.removed', RelationData)
export const blockAdded = defineEvent('user', 'block.added', RelationData)
export const blockRemoved = defineEvent('user', 'block.removed', RelationData)

export const userDataErased = dataErased('user')
