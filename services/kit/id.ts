import { z } from '@hono/zod-openapi'

/** A new UUIDv7 (RFC 9562): sorts by the time it was made. */
export const newId = (): string => Bun.randomUUIDv7()

/** An id in a path, query or body: any RFC 9562 UUID, lower-cased. */
export const Id = z.uuid().toLowerCase().openapi({
  description: 'A UUID',
  example: '0199d1c2-7f00-7c4e-9d0a-3b1f0c5a9e11',
})
