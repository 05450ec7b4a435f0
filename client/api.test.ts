import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { PlazaError } from './error.ts'
import { clientOf, refusal, scriptServer } from './testing.ts'

test('a create is repeated under its key until it is answered', async () => {
  const server = scriptServer()
  const keys: (string | null)[] = []
  server.script.routes['POST /api/v1/conversations'] = ({ headers }) => {
    keys.push(headers.get('idempotency-key'))
    return keys.length < 3 ? refusal(503, 'unavailable') : { id: 'c' }
  }
  const client = await clientOf(server)
  expect(await client.talk.open('other')).toMatchObject({ id: 'c' })
  expect(keys).toEqual([keys[0] ?? '', keys[0] ?? '', keys[0] ?? ''])
  expect(keys[0]).toHaveLength(32)
})

test('a gateway that has not read its routes yet is asked again', async () => {
  const server = scriptServer()
  let asked = 0
  server.script.routes['GET /api/v1/me/privacy'] = () => {
    asked += 1
    return asked < 3 ? new Response('404 page not found', { status: 404 }) : { version: 1 }
  }
  const client = await clientOf(server)
  expect(await client.people.privacy()).toMatchObject({ version: 1 })
  server.script.routes['GET /api/v1/me/privacy'] = () => refusal(404, 'not_found')
  await expect(client.people.privacy()).rejects.toMatchObject({ code: 'not_found' })
})

test("the gateway's own refusal of too many calls is one as any other", async () => {
  const server = scriptServer()
  let asked = 0
  server.script.routes['GET /api/v1/me/privacy'] = () => {
    asked += 1
    const headers = { 'retry-after': asked === 1 ? '0' : '900' }
    return new Response('Too Many Requests', { status: 429, headers })
  }
  const client = await clientOf(server)
  await expect(client.people.privacy()).rejects.toMatchObject({ code: 'limited', retryAfterMs: 900_000 })
  expect(asked).toBe(2)
})

for (const [what, status, type] of [
  ['a page of a network that wants a log-in', 200, 'text/html'],
  ['a problem that was cut off', 500, 'application/problem+json'],
] as const)
  test(`${what}, in place of an answer, is an error as any other and worth another try`, async () => {
    const server = scriptServer()
    let asked = 0
    server.script.routes['GET /api/v1/me/privacy'] = () => {
      asked += 1
      return asked < 3
        ? new Response('{<html>', { status, headers: { 'content-type': type } })
        : { version: 1 }
    }
    const client = await clientOf(server)
    expect(await client.people.privacy()).toMatchObject({ version: 1 })
    const path = 'POST /api/v1/auth/password/change'
    server.script.routes[path] = () => new Response('{<html>', { status, headers: { 'content-type': type } })
    const error = await client.account.changePassword('a', 'b').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PlazaError)
    expect(error).toMatchObject({ code: 'unreachable' })
  })

test('a call that has no key is not repeated', async () => {
  const server = scriptServer()
  const path = 'POST /api/v1/auth/password/change'
  server.script.routes[path] = () => refusal(503, 'unavailable')
  const client = await clientOf(server)
  await expect(client.account.changePassword('a', 'b')).rejects.toMatchObject({ code: 'unavailable' })
  expect(server.script.calls.filter((call) => call === path)).toHaveLength(1)
})

test('a list goes through its pages only as far as it is read', async () => {
  const server = scriptServer()
  server.script.routes['GET /api/v1/blocks'] = ({ url }) => {
    const page = Number(url.searchParams.get('cursor') ?? 0)
    const items = [1, 2].map((item) => ({ person: { userId: `${page * 2 + item}` } }))
    return { items, nextCursor: page < 2 ? `${page + 1}` : null }
  }
  const client = await clientOf(server)
  const all: string[] = []
  for await (const { person } of client.people.blocks()) all.push(person.userId)
  expect(all).toEqual(['1', '2', '3', '4', '5', '6'])
  server.script.calls.length = 0
  for await (const _first of client.people.blocks()) break
  expect(server.script.calls).toHaveLength(1)
})

test('the client needs nothing but what every browser has', async () => {
  const folder = import.meta.dir
  const command = [process.execPath, 'x', '--no-install', 'tsc', '-p', join(folder, 'tsconfig.json')]
  const check = Bun.spawn(command, { cwd: folder, stdout: 'pipe', stderr: 'pipe' })
  expect(await check.stdout.text()).toBe('')
  expect(await check.exited).toBe(0)
  const all = await Array.fromAsync(new Bun.Glob('**/*.ts').scan(folder))
  const files = all.filter((file) => !/^node_modules|^examples|testing|\.test\./.test(file))
  const sources = await Promise.all(files.map((file) => Bun.file(join(folder, file)).text()))
  expect(files.length).toBeGreaterThan(10)
  expect(sources.flatMap((source) => [...source.matchAll(/from '(?!\.)[^']+'/g)])).toEqual([])
})
