import { number } from '@plaza/kit/config'
import { accessTokenLifeSeconds } from '@plaza/kit/revocation'
import { z } from 'zod'

/** Every variable of this service beyond those that all services read. */
export const Config = z.object({
  DATABASE_URL: z.string(),
  /** How many conversations one person may open within a day. */
  MAX_OPENED_PER_DAY: number(1_000, 1),
  /** How long a message can be edited. */
  EDIT_WINDOW_SECONDS: number(86_400),
  /** How long a message can be deleted for both; 0 is for ever. */
  DELETE_WINDOW_SECONDS: number(0),
  /** Pause between the first sweep over a deleted person's messages and the second, which finds what was still on its way. */
  ERASURE_SETTLE_SECONDS: number(accessTokenLifeSeconds + 60),
})
export type Config = z.infer<typeof Config>
