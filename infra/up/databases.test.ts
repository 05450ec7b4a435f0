import { afterAll, expect, test } from 'bun:test'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import connect from 'postgres'
import { secret } from '../secret.ts'
import { startTestPostgres } from '../testing.ts'
import { ensureDatabases, isMigrating } from './databases.ts'
import { databaseUrl } from './services.ts'

// A server of its own: the roles have fixed names.
const folder = await mkdtemp(join(tmpdir(), 'plaza-databases-'))
await chmod(folder, 0o711)
const server = await startTestPostgres(folder)
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

const passwords = { auth: secret(), user: secret() }
const ask = async (service: string, password: string, database = service) => {
  const url = databaseUrl(service, password, server.port).replace(`${service}_db`, `${database}_db`)
  const sql = connect(url, { max: 1, onnotice: () => undefined })
  try {
    await sql`create table if not exists things (id int)`
    const [row] = await sql`select current_user as role`
    return row?.role
  } finally {
    await sql.end()
  }
}

test('each service owns its database, and no other role opens it', async () => {
  await ensureDatabases(server.url, passwords)
  expect(await ask('auth', passwords.auth)).toBe('plaza_auth')
  expect(await ask('user', passwords.user)).toBe('plaza_user')
  await expect(ask('user', passwords.user, 'auth')).rejects.toThrow('permission denied for database')
})

test('a repeat changes nothing but the passwords that are new', async () => {
  const renewed = { ...passwords, user: secret() }
  await ensureDatabases(server.url, renewed)
  expect(await ask('auth', passwords.auth)).toBe('plaza_auth')
  expect(await ask('user', renewed.user)).toBe('plaza_user')
  await expect(ask('user', passwords.user)).rejects.toThrow('password authentication failed')
})

test('a service is known to migrate for as long as its database is at it, or waits for another that is', async () => {
  const url = databaseUrl('auth', passwords.auth, server.port)
  const [first, second] = [connect(url, { max: 1 }), connect(url, { max: 1 })]
  expect(await isMigrating(server.url, ['auth'])).toBe(false)
  await first`select pg_advisory_lock(1)`
  const waiting = second`select pg_advisory_lock(1)`.execute()
  while (!(await isMigrating(server.url, ['auth']))) await Bun.sleep(50)
  expect(await isMigrating(server.url, ['user'])).toBe(false)
  await first`select pg_advisory_unlock(1)`
  await waiting
  expect(await isMigrating(server.url, ['auth'])).toBe(false)
  await Promise.all([first.end(), second.end()])
})
