import { z } from '@hono/zod-openapi'
import { number } from '@plaza/kit/config'

/** Every variable that this service reads for itself. */
export const Config = z.object({
  DATABASE_URL: z.string(),
  /** How many contact requests of one person may wait for an answer at once. */
  MAX_OUTGOING_REQUESTS: number(200, 1),
  /** How many relations of an erased person are ended in one transaction. */
  ERASURE_BATCH: number(200, 1, 1_000),
})
export type Config = z.output<typeof Config>
