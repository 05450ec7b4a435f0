import { number } from '@plaza/kit/config'
import { z } from 'zod'

/** Every variable of relay beyond those that all services read. */
export const Config = z.object({
  DATABASE_URL: z.string(),
  /** What a mailbox holds at most; a device that was away for longer finds a gap and repairs itself. */
  MAILBOX_FRAMES: number(4_096, 1),
  /** As many bytes as that many of the longest frames that are kept whole. */
  MAILBOX_BYTES: number(4_096 * 1_024, 1_024),
  /** Mailboxes that one script appends to; 1 for a Redis Cluster, where each may be on another shard. */
  MAILBOXES_PER_CALL: number(64, 1, 200),
  /** What `POST /queue` gives when no other end is asked for, and the latest that can be asked for. */
  QUEUE_DEFAULT_SECONDS: number(7 * 86_400, 1),
  QUEUE_MAX_SECONDS: number(90 * 86_400, 1),
  /** How often what has expired is removed. */
  EXPIRE_EVERY_SECONDS: number(60, 1),
})
export type Config = z.output<typeof Config>
