import { z } from '@hono/zod-openapi'
import { defineEvent } from '@plaza/kit/events'
import { Role } from '@plaza/kit/identity'

export { tokensRevoked } from '@plaza/kit/revocation'

export const userRegistered = defineEvent(
  'auth',
  'user.registered',
  z.object({ userId: z.uuid(), username: z.string(), createdAt: z.iso.datetime() }),
)

export const userRoleChanged = defineEvent(
  'auth',
  'user.role_changed',
  z.object({ userId: z.uuid(), role: Role }),
)

/** The start of an erasure: whoever hears it keeps a tombstone, erases, and sends its receipt. It may be repeated. */
export const userDeleted = defineEvent(
  'auth',
  'user.deleted',
  z.object({ userId: z.uuid(), deletedAt: z.iso.datetime() }),
)

/** Every service has erased; the account is empty. */
export const userErased = defineEvent(
  'auth',
  'user.erased',
  z.object({ userId: z.uuid(), erasedAt: z.iso.datetime() }),
)
