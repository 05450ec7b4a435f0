import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from './log.ts'
import { isConnectionError, type Sql } from './sql.ts'

const lock = 7_150_001

/** How long a database may take to come up: after a crash it first replays what it had written ahead. */
const patienceMs = 30_000

/**
 * Brings a service's database up to date: the kit's own tables first, then each `.sql` file of the
 * folder in the order of its name, each once, each in a transaction. Instances that start together take turns.
 */
export async function migrate(sql: Sql, folder: string, log: Log): Promise<void> {
  await untilAnswering(sql, log)
  const connection = await sql.reserve()
  try {
    // A file may take its time over a large table, and so may the instance whose turn is awaited.
    await connection`set statement_timeout = 0`
    await connection`select pg_advisory_lock(${lock})`
    await connection`
      create table if not exists migrations (
        name text primary key,
        applied_at timestamptz not null default now()
      )`
    const applied = new Set(
      (await connection<{ name: string }[]>`select name from migrations`).map((row) => row.name),
    )
    for (const { name, path } of [
      ...(await listMigrations(join(import.meta.dir, 'migrations'), 'kit/')),
      ...(await listMigrations(folder, '')),
    ]) {
      if (applied.has(name)) continue
      await connection.unsafe(
        `begin; ${await Bun.file(path).text()}; insert into migrations (name) values ('${name}'); commit;`,
      )
      log.info({ migration: name }, 'migrated')
    }
  } catch (error) {
    // Else the pool would get a connection back whose transaction has failed, and which still holds the lock.
    await connection`rollback`.catch(() => {})
    throw error
  } finally {
    await connection`select pg_advisory_unlock(${lock})`.catch(() => {})
    await connection`reset statement_timeout`.catch(() => {})
    connection.release()
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
