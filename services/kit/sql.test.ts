import { afterAll, expect, test } from 'bun:test'
import { testParts } from '@plaza/infra/testing'
import { connectSql, isConnectionError } from './sql.ts'
import { eventually } from './testing.ts'

const parts = await testParts({ nats: false, redis: false })
afterAll(() => parts.stop())

/** A database behind a link of the test's own, with what hangs the link up. */
async function behindLink() {
  const target = new URL((await parts.createDatabase()).url)
  const ends = new Set<Bun.Socket<Bun.Socket | undefined>>()
  let silent = false
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
      data: (here, bytes) => void (silent || here.data?.write(bytes)),
      close: (here) => {
        ends.delete(here)
        here.data?.end()
      },
    },
  })
  const url = new URL(target)
  url.port = String(link.port)
  return {
    url: url.href,
    ends,
    /** From now on nothing comes through, and nobody is told. */
    fallSilent(is: boolean) {
      silent = is
    },
    stop: () => link.stop(true),
  }
}

test('what is asked in the moment in which a connection breaks gets an answer', async () => {
  const { url, ends, stop } = await behindLink()
  const sql = connectSql({ url, name: 'test', connections: 1 })
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
  stop()
})

test('a server that vanished without a word is given up, and those who asked are told', async () => {
  const { url, ends, fallSilent, stop } = await behindLink()
  const sql = connectSql({ url, name: 'test', connections: 1, answerMs: 500 })
  await sql`select 1`
  await Bun.sleep(1_500)
  // A connection that nobody asks anything of is none that waits.
  expect(ends.size).toBe(1)
  fallSilent(true)
  const asked = sql`select 2`.then(
    () => 'answered',
    (error) => isConnectionError(error),
  )
  expect(await Promise.race([asked, Bun.sleep(10_000)])).toBe(true)
  fallSilent(false)
  await eventually(async () => expect([...(await sql`select 3 as three`)]).toEqual([{ three: 3 }]))
  await sql.end({ timeout: 1 })
  stop()
})
