/** Gives every service its database and role in compose's Postgres, before the first service starts; then ends. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ensureDatabases } from '../up/databases.ts'

const Passwords = z.object({ postgres: z.string(), roles: z.record(z.string(), z.string()) })
const { postgres, roles } = Passwords.parse(
  JSON.parse(await readFile('/run/plaza/databases/passwords.json', 'utf8')),
)
await ensureDatabases(`postgres://postgres:${postgres}@postgres:5432/postgres`, roles)
console.log('The databases are in place.')
