import { afterAll, expect, test } from 'bun:test'
import { testParts } from '@plaza/infra/testing'
import { connectSql, isConnectionError } from './sql.ts'
import { eventually } from './testing.ts'

const parts = await testParts({ nats: false, redis: false })
afterAll(() => parts.stop())

test('what is asked in the moment in which a connection breaks gets an answer', async () => {
  const target = new URL((await parts.createDatabase()).url)
  const ends = new Set<Bun.Socket<Bun.Socket | undefined>>()
  const link = Bun.listen<Bun.Socket | undefined>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      async open(here) {
        ends.add(here)
        here.pause()
        here.data = await Bun.connect({
          hostname: target.hostname,
          port: Number(target.port),
          socket: { data: (_there, bytes) => void here.write(bytes), close: () => void here.end() },
        })
        here.resume()
      },
      data: (here, bytes) => void here.data?.write(bytes),
      close: (here) => void here.data?.end(),
    },
  })
  const url = new URL(target)
  url.port = String(link.port)
  const sql = connectSql({ url: url.href, name: 'test', connections: 1 })
  await sql`select 1`
  const next = sql`select pg_sleep(20)`.catch(async (error) => {
    expect(isConnectionError(error)).toBe(true)
    return await sql`select 2 as two`.catch(isConnectionError)
  })
  await eventually(() => expect(ends.size).toBe(1))
  await Bun.sleep(100)
  for (const end of ends) end.terminate()
  const answer: unknown = await Promise.race([next, Bun.sleep(10_000)])
  expect(answer === true || Bun.deepEquals(answer, [{ two: 2 }])).toBe(true)
  await sql.end({ timeout: 1 })
  link.stop(true)
})
