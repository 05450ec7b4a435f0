import type { AppContext } from '@plaza/kit/app'
import type { Outbox } from '@plaza/kit/outbox'
import type { Fetch } from '@plaza/kit/peers'
import type { Sql } from '@plaza/kit/sql'
import type { Config } from './config.ts'
import type { Receipts } from './receipts.ts'
import type { Sender } from './send.ts'

export type Ctx = AppContext & {
  sql: Sql
  outbox: Outbox
  config: Config
  /** How this service asks auth. */
  auth: Fetch
  sender: Sender
  receipts: Receipts
}
