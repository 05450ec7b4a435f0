import connect, { type Sql } from 'postgres'
import { databaseOf, roleOf } from './registry.ts'

/**
 * Gives every service a database and a role that owns it, and closes each database to all other roles. Repeats
 * without harm; the passwords are set anew each time.
 */
export const ensureDatabases = async (url: string, passwords: Record<string, string>) => {
  const sql = connect(url, { max: 1, onnotice: () => undefined })
  try {
    await sql`revoke connect on database postgres from public`
    for (const [service, password] of Object.entries(passwords)) await ensureDatabase(sql, service, password)
  } finally {
    await sql.end()
  }
}

/**
 * Whether Postgres has been at one statement for a service for over a second, as it is while it migrates the
 * service's database, or lets it wait for another instance's migration.
 */
export const isMigrating = async (url: string, services: string[]): Promise<boolean> => {
  const sql = connect(url, { max: 1 })
  try {
    const busy = await sql`
      select
      from pg_stat_activity
      where usename = any(${services.map(roleOf)})
        and state = 'active'
        and query_start < clock_timestamp() - interval '1 second'`
    return busy.length > 0
  } catch {
    return false
  } finally {
    await sql.end()
  }
}

/** The password is hexadecimal of our own making: statements about roles take no parameters. */
const ensureDatabase = async (sql: Sql, service: string, password: string) => {
  const [role, database] = [roleOf(service), databaseOf(service)]
  const [known] = await sql`select 1 from pg_roles where rolname = ${role}`
  await sql.unsafe(`${known ? 'alter' : 'create'} role ${role} login password '${password}'`)
  const [present] = await sql`select 1 from pg_database where datname = ${database}`
  if (!present) await sql.unsafe(`create database ${database} owner ${role}`)
  await sql.unsafe(`revoke all on database ${database} from public`)
}
