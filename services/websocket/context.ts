import type { AppContext } from '@plaza/kit/app'
import type { Operation } from '@plaza/kit/host'
import type { Nats } from '@plaza/kit/nats'
import type { Fetch } from '@plaza/kit/peers'
import type { Redis } from '@plaza/kit/redis'
import type { Config } from './config.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** What this service works with. */
export type Ctx = AppContext & {
  config: Config
  redis: Redis
  nats: Nats
  message: Fetch
  /** Message's own createMessages, when it runs in this process. */
  sendHere(): Operation | undefined
  user: Fetch
  relay: Fetch
  /** This node's name, unlike that of every other process. */
  node: string
  sessions: Sessions
  /** Turns a request into a socket; false when it does not ask for one. */
  upgrade(request: Request, session: Session): boolean
  draining(): boolean
}
