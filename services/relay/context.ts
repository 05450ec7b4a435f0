import type { AppContext } from '@plaza/kit/app'
import type { Operation } from '@plaza/kit/host'
import type { Nats } from '@plaza/kit/nats'
import type { Outbox } from '@plaza/kit/outbox'
import type { Fetch } from '@plaza/kit/peers'
import type { Redis } from '@plaza/kit/redis'
import type { Sql } from '@plaza/kit/sql'
import type { Appender } from './appender.ts'
import type { Config } from './config.ts'
import type { Generation } from './generation.ts'

/** What relay's operations work with. */
export type Ctx = AppContext & {
  config: Config
  sql: Sql
  nats: Nats
  /** For reading; what appends has a connection of its own. */
  redis: Redis
  outbox: Outbox
  generation: Generation
  appender: Appender
  auth: Fetch
  message: Fetch
  /** The node of sockets in this process, when there is one: its name, and what wakes it. */
  nodeHere(): { name: string; wakeUp: Operation } | undefined
}
