import type { AppContext } from '@plaza/kit/app'
import type { Outbox } from '@plaza/kit/outbox'
import type { Fetch } from '@plaza/kit/peers'
import type { Sql } from '@plaza/kit/sql'
import type { Config } from './config.ts'

/** What every operation and consumer of this service works with. */
export type Ctx = AppContext & { sql: Sql; outbox: Outbox; auth: Fetch; message: Fetch; config: Config }
