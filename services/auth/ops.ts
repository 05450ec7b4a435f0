import { join } from 'node:path'
import { type Environment, environmentOf, readConfig } from '@plaza/kit/config'
import type { Emission } from '@plaza/kit/events'
import type { Role } from '@plaza/kit/identity'
import type { Log } from '@plaza/kit/log'
import { migrate } from '@plaza/kit/migrate'
import { ensurePartitions, storeRows, toRow } from '@plaza/kit/outbox'
import { Problem } from '@plaza/kit/problem'
import { tokensRevoked } from '@plaza/kit/revocation'
import { connectSql, type Sql } from '@plaza/kit/sql'
import { Config } from './config.ts'
import { changeRole } from './roles.ts'
import { rotateKeys as insertNextKey } from './signing-keys.ts'
import { hashUsername } from './username.ts'

/** Auth's database and variables, for the operator's commands. They need no broker: running services publish what is stored. */
export type AuthOps = { sql: Sql; config: Config; stop(): Promise<void> }

/** Opens auth's database by the same variables as auth itself (AUTH_DATABASE_URL, …) and brings it up to date. */
export async function openAuthOps(environment: Environment, log: Log): Promise<AuthOps> {
  const config = readConfig(Config, environmentOf('auth', environment))
  const sql = connectSql({ url: config.DATABASE_URL, name: 'auth-ops', connections: 2 })
  await migrate(config.DATABASE_URL, join(import.meta.dir, 'migrations'), log)
  await ensurePartitions(sql)
  return { sql, config, stop: () => sql.end({ timeout: 2 }) }
}

/** Gives a user a role; the first admin is made so. Throws Problem not_found, or conflict for the last admin. */
export async function grantRole({ sql }: Pick<AuthOps, 'sql'>, username: string, role: Role): Promise<void> {
  await sql.begin(async (tx) => {
    const [user] = await tx<{ id: string }[]>`
      select id
      from users
      where username_hash = ${hashUsername(username)} and deleted_at is null`
    if (!user) throw new Problem('not_found', `There is no user ${username}`)
    const emissions: Emission[] = []
    const emit = (emission: Emission) => void emissions.push(emission)
    await changeRole(
      { tx, emit, revoke: (data) => emit(tokensRevoked.emit({ subject: data.id, data })) },
      { userId: user.id, role },
    )
    if (emissions.length > 0) await storeRows(tx, emissions.map(toRow))
  })
}

/** Makes the next signing key: published within seconds, signing after KEY_LEAD_SECONDS. Answers its id. */
export const rotateKeys = ({ sql, config }: Pick<AuthOps, 'sql' | 'config'>): Promise<string> =>
  insertNextKey(sql, config)
