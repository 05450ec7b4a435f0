import { afterAll, expect, test } from 'bun:test'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import connect from 'postgres'
import { converse } from './parts/part.ts'
import { testParts } from './testing.ts'

const parts = await testParts()
afterAll(() => parts.stop())

const natsAnswers = () => converse(parts.nats.port, '', 'INFO')
const askRedis = (command: string, answer: string) => {
  const { password } = new URL(parts.redisUrl)
  return converse(parts.redis.port, `AUTH ${password}\r\n${command}\r\n`, answer)
}

test('a database opens for its own role only', async () => {
  await using first = disposable(await parts.createDatabase())
  await using second = disposable(await parts.createDatabase())
  const strange = new URL(first.url)
  strange.username = new URL(second.url).username
  strange.password = new URL(second.url).password

  const own = connect(first.url, { max: 1 })
  expect([...(await own`select current_user = current_database() as mine`)]).toEqual([{ mine: true }])
  await own.end()

  const foreign = connect(strange.href, { max: 1 })
  await expect(foreign`select 1`.execute()).rejects.toThrow('permission denied for database')
  await foreign.end()
})

test('a killed part comes back on its port with what it had stored', async () => {
  expect(await askRedis('SET kept 1', '+OK')).toBe(true)
  const { pid } = parts.redis
  await parts.redis.kill()
  expect(await askRedis('PING', '+PONG')).toBe(false)

  await parts.redis.restart()
  expect(parts.redis.pid).not.toBe(pid)
  expect(await askRedis('GET kept', '\r\n1\r\n')).toBe(true)
})

test('a wiped part comes back empty', async () => {
  expect(await askRedis('SET lost 1', '+OK')).toBe(true)
  await parts.redis.kill()
  await parts.redis.wipe()
  await parts.redis.restart()
  expect(await askRedis('EXISTS lost', ':0')).toBe(true)
})

test('killed NATS takes no connection until it is restarted', async () => {
  await parts.nats.kill()
  expect(await natsAnswers()).toBe(false)
  await parts.nats.restart()
  expect(await natsAnswers()).toBe(true)
})

test('strangers are refused by every part', async () => {
  const database = new URL((await parts.createDatabase()).url)
  database.password = 'wrong'
  const sql = connect(database.href, { max: 1 })
  await expect(sql`select 1`.execute()).rejects.toThrow('password authentication failed')
  await sql.end()
  expect(await converse(parts.redis.port, 'PING\r\n', 'NOAUTH')).toBe(true)
  expect(await converse(parts.nats.port, 'CONNECT {}\r\n', 'Authorization Violation')).toBe(true)
})

test('nothing is left after stop', async () => {
  const own = await testParts({ nats: false })
  const folder = dirname(own.redis.dir)
  const { url } = await own.createDatabase()
  await own.stop()
  await expect(stat(folder)).rejects.toThrow('ENOENT')
  const sql = connect(url, { max: 1 })
  await expect(sql`select 1`.execute()).rejects.toThrow()
  await sql.end()
})

const disposable = <T extends { drop(): Promise<void> }>(database: T) => ({
  ...database,
  [Symbol.asyncDispose]: () => database.drop(),
})
