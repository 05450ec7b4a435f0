import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from './log.ts'
import { connectSql, isConnectionError, type Sql } from './sql.ts'

const lock = 7_150_001

/** How long a database may take to come up: after a crash it first replays what it had written ahead. */
const patienceMs = 30_000

/** A file may take its time over a large table, and so may the instance whose turn is awaited. */
const longestMs = 86_400_000

/**
 * Brings a service's database up to date: the kit's own tables first, then each `.sql` file of the
 * folder in the order of its name, each once, each in a transaction. Instances that start together take turns.
 * It has a connection of its own, for any other gives up what takes longer than a statement may.
 */
export async function migrate(url: string, folder: string, log: Log): Promise<void> {
  const sql = connectSql({ url, name: 'migrate', connections: 1, answerMs: longestMs })
  try {
    await untilAnswering(sql, log)
    const connection = await sql.reserve()
    await applyMissing(connection, folder, log).finally(() => connection.release())
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function applyMissing(connection: Sql, folder: string, log: Log) {
  await connection`set statement_timeout = 0`
  // Given back with the connection's end, whatever comes.
  await connection`select pg_advisory_lock(${lock})`
  await connection`
    create table if not exists migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`
  const rows = await connection<{ name: string }[]>`select name from migrations`
  const applied = new Set(rows.map(({ name }) => name))
  const known = [
    ...(await listMigrations(join(import.meta.dir, 'migrations'), 'kit/')),
    ...(await listMigrations(folder, '')),
  ]
  for (const { name, path } of known) {
    if (applied.has(name)) continue
    log.info({ migration: name }, 'migrating')
    await connection.unsafe(
      `begin; ${await Bun.file(path).text()}; insert into migrations (name) values ('${name}'); commit;`,
    )
    log.info({ migration: name }, 'migrated')
  }
}

/** Waits until the database takes a query. Whatever else is wrong than that it is away, is thrown at once. */
async function untilAnswering(sql: Sql, log: Log) {
  for (const until = Date.now() + patienceMs; ; await Bun.sleep(100)) {
    try {
      return await sql`select`
    } catch (error) {
      if (!isConnectionError(error) || Date.now() > until) throw error
      log.warn({ error: (error as Error).message }, 'waiting for the database')
    }
  }
}

async function listMigrations(folder: string, prefix: string) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return files.map((file) => ({ name: `${prefix}${file}`, path: join(folder, file) }))
}
