import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@plaza/infra/ports'
import { testParts } from '@plaza/infra/testing'
import { createLog } from './log.ts'
import { migrate } from './migrate.ts'
import { connectSql } from './sql.ts'
import { eventually } from './testing.ts'

const log = createLog('silent')
const parts = await testParts({ nats: false, redis: false })
const folder = await mkdtemp(join(tmpdir(), 'plaza-migrate-'))
const { url } = await parts.createDatabase()
const sql = connectSql({ url, name: 'test', connections: 2 })
afterAll(async () => {
  await sql.end({ timeout: 1 })
  await parts.stop()
  await rm(folder, { recursive: true })
})

const names = async () =>
  (await sql<{ name: string }[]>`select name from migrations order by name`).map(({ name }) => name)

test('instances that start together take turns, and each file is applied once', async () => {
  await writeFile(
    join(folder, '0001-things.sql'),
    'create table things (id int); insert into things values (1);',
  )
  await writeFile(join(folder, '0002-more.sql'), 'insert into things values (2);')
  await Promise.all(Array.from({ length: 6 }, () => migrate(url, folder, log)))
  const kit = (await readdir(join(import.meta.dir, 'migrations'))).map((file) => `kit/${file}`)
  expect(await names()).toEqual(['0001-things.sql', '0002-more.sql', ...kit.sort()])
  expect(await sql<{ id: number }[]>`select id from things order by id`).toHaveLength(2)
})

test('a file that fails leaves nothing of itself, and the next start tries it again', async () => {
  const path = join(folder, '0003-wrong.sql')
  await writeFile(path, 'insert into things values (3); select 1 / 0;')
  await expect(migrate(url, folder, log)).rejects.toThrow('division by zero')
  expect(await sql`select from things where id = 3`).toHaveLength(0)
  await writeFile(path, 'insert into things values (3);')
  await migrate(url, folder, log)
  expect(await sql`select from things where id = 3`).toHaveLength(1)
  expect(await names()).toContain('0003-wrong.sql')
})

const ownConnections = () => sql`select pid from pg_stat_activity where application_name = 'migrate'`

test('a file may take longer than any other statement may', async () => {
  await writeFile(join(folder, '0004-slow.sql'), 'select pg_sleep(31);')
  await migrate(url, folder, log)
  expect(await names()).toContain('0004-slow.sql')
  await eventually(async () => expect(await ownConnections()).toHaveLength(0))
}, 60_000)

test('a connection that breaks over a file is an error, and the next start goes on', async () => {
  const path = join(folder, '0005-broken.sql')
  await writeFile(path, 'select pg_sleep(30);')
  const migrating = migrate(url, folder, log).then(
    () => 'migrated',
    () => 'refused',
  )
  await eventually(async () => {
    const [own] = await sql<{ ended: boolean }[]>`
      select pg_terminate_backend(pid) as ended
      from pg_stat_activity
      where application_name = 'migrate' and query like '%pg_sleep(30)%'`
    expect(own?.ended).toBe(true)
  })
  expect(await migrating).toBe('refused')
  await writeFile(path, 'select 1;')
  await migrate(url, folder, log)
  expect(await names()).toContain('0005-broken.sql')
})

test('a database that is still coming up is waited for', async () => {
  const target = new URL(url)
  const late = new URL(url)
  late.port = String(await freePort())
  const migrating = migrate(late.href, folder, log)
  await Bun.sleep(300)
  const server = createServer((socket) => {
    const onward = dial(Number(target.port), target.hostname)
    socket.pipe(onward).pipe(socket)
  }).listen(Number(late.port), late.hostname)
  await migrating
  server.close()
})
