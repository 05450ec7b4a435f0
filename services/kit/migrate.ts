import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from './log.ts'
import type { Sql } from './sql.ts'

const lock = 7_150_001

/**
 * Brings a service's database up to date: the kit's own tables first, then each `.sql` file of the
 * folder in the order of its name, each once, each in a transaction. Instances that start together take turns.
 */
export async function migrate(sql: Sql, folder: string, log: Log): Promise<void> {
  const connection = await sql.reserve()
  try {
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
    connection.release()
  }
}

async function listMigrations(folder: string, prefix: string) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return files.map((file) => ({ name: `${prefix}${file}`, path: join(folder, file) }))
}
