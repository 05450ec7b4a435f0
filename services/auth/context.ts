import type { AppContext } from '@plaza/kit/app'
import type { Outbox } from '@plaza/kit/outbox'
import type { Sql } from '@plaza/kit/sql'
import type { Config } from './config.ts'
import type { MailQueue } from './mail-queue.ts'
import type { PasswordHashing } from './password-hashing.ts'
import type { PasswordStrength } from './password-strength.ts'
import type { SessionUse } from './session-use.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { Throttle } from './throttle.ts'

/** What auth's operations work with. */
export type Ctx = AppContext & {
  config: Config
  sql: Sql
  outbox: Outbox
  keys: SigningKeys
  hashing: PasswordHashing
  strength: PasswordStrength
  throttle: Throttle
  mails: MailQueue
  sessionUse: SessionUse
}
