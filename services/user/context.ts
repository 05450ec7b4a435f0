import type { AppContext } from '@plaza/kit/app'
import type { Outbox } from '@plaza/kit/outbox'
import type { Fetch } from '@plaza/kit/peers'
import { type AppEnv, userOf } from '@plaza/kit/route'
import type { Sql } from '@plaza/kit/sql'
import type { Context } from 'hono'
import type { Config } from './config.ts'

/** What every operation and consumer of this service works with. */
export type Ctx = AppContext & { sql: Sql; outbox: Outbox; auth: Fetch; message: Fetch; config: Config }

/** By whom and in which trace something happens: the fields of an event that tell where it comes from. */
export type Origin = { actor: string; traceparent?: string }

export function originOf(c: Context<AppEnv>): Origin {
  const { sampled, traceparent } = c.get('trace')
  return { actor: userOf(c).userId, ...(sampled ? { traceparent } : {}) }
}
