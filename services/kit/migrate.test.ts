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

const log = createLog('silent')
const parts = await testParts({ nats: false, redis: false })
const folder = await mkdtemp(join(tmpdir(), 'plaza-migrate-'))
const { url } = await parts.createDatabase()
const connect = () => connectSql({ url, name: 'test', connections: 2 })
const sql = connect()
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
  const instances = Array.from({ length: 6 }, connect)
  await Promise.all(instances.map((instance) => migrate(instance, folder, log)))
  await Promise.all(instances.map((instance) => instance.end({ timeout: 1 })))
  const kit = (await readdir(join(import.meta.dir, 'migrations'))).map((file) => `kit/${file}`)
  expect(await names()).toEqual(['0001-things.sql', '0002-more.sql', ...kit.sort()])
  expect(await sql<{ id: number }[]>`select id from things order by id`).toHaveLength(2)
})

test('a file that fails leaves nothing of itself, and the next start tries it again', async () => {
  const path = join(folder, '0003-wrong.sql')
  await writeFile(path, 'insert into things values (3); select 1 / 0;')
  await expect(migrate(sql, folder, log)).rejects.toThrow('division by zero')
  expect(await sql`select from things where id = 3`).toHaveLength(0)
  await writeFile(path, 'insert into things values (3);')
  await migrate(sql, folder, log)
  expect(await sql`select from things where id = 3`).toHaveLength(1)
  expect(await names()).toContain('0003-wrong.sql')
})

test('a file may take longer than a statement may afterwards', async () => {
  const brief = connectSql({ url: `${url}?statement_timeout=200`, name: 'test', connections: 1 })
  await writeFile(join(folder, '0004-slow.sql'), 'select pg_sleep(0.6);')
  await migrate(brief, folder, log)
  expect(await names()).toContain('0004-slow.sql')
  expect(await brief`show statement_timeout`).toMatchObject([{ statementTimeout: '200ms' }])
  await brief.end({ timeout: 1 })
})

test('a database that is still coming up is waited for', async () => {
  const target = new URL(url)
  const late = new URL(url)
  late.port = String(await freePort())
  const early = connectSql({ url: late.href, name: 'test', connections: 1 })
  const migrating = migrate(early, folder, log)
  await Bun.sleep(300)
  const server = createServer((socket) => {
    const onward = dial(Number(target.port), target.hostname)
    socket.pipe(onward).pipe(socket)
  }).listen(Number(late.port), late.hostname)
  await migrating
  await early.end({ timeout: 1 })
  server.close()
})
