import { afterAll, beforeEach, expect, test } from 'bun:test'
import { createRoute, z } from '@hono/zod-openapi'
import { testParts } from '@plaza/infra/testing'
import { newApp } from './app.ts'
import { newId } from './id.ts'
import { idempotent } from './idempotency.ts'
import type { Identity } from './identity.ts'
import { createLog } from './log.ts'
import { migrate } from './migrate.ts'
import { Problem } from './problem.ts'
import { defineRoute, IdempotencyHeaders, json, jsonBody, problems } from './route.ts'
import { connectSql } from './sql.ts'

const parts = await testParts({ nats: false, redis: false })
const { url } = await parts.createDatabase()
const sql = connectSql({ url, name: 'test', connections: 8 })
const log = createLog('silent')
await migrate(url, `${import.meta.dir}/tests/migrations`, log)
afterAll(async () => {
  await sql.end({ timeout: 1 })
  await parts.stop()
})

const users = new Map([
  ['ann', newId()],
  ['ben', newId()],
])
const identity: Identity = {
  verifyUser: async (token) => ({
    kind: 'user',
    userId: users.get(token) ?? '',
    sessionId: newId(),
    role: 'user',
    issuedAt: 0,
    expiresAt: 0,
  }),
  async assertNotRevoked() {},
  revocations: {
    isRevoked: () => false,
    isFresh: () => true,
    apply() {},
    onRevoked: () => () => {},
    async stop() {},
  },
}
const route = createRoute({
  method: 'post',
  path: '/things',
  operationId: 'createThing',
  'x-access': 'user',
  summary: 'Create a thing',
  request: { headers: IdempotencyHeaders, body: jsonBody(z.object({ name: z.string() }), 'A thing') },
  responses: { 201: json(z.object({ number: z.int() }), 'Made'), ...problems },
} as const)

let made = 0
let work: () => Promise<void>
beforeEach(() => {
  made = 0
  work = async () => {}
})
const app = newApp({
  service: 'test',
  identity,
  tokens: { issue: async () => '', verify: async () => '' },
  log,
}).openapiRoutes([
  defineRoute(
    route,
    async (c) => {
      await work()
      made += 1
      return c.json({ number: made }, 201)
    },
    [idempotent(sql, 'createThing')],
  ),
  defineRoute(
    { ...route, path: '/found', operationId: 'findThing' },
    async (c) => {
      made += 1
      return c.json({ number: made }, 201)
    },
    [idempotent(sql, 'findThing', { doneAgain: true })],
  ),
])
const create = (key: string | undefined, name = 'a', user = 'ann', path = '/things') =>
  app.request(path, {
    method: 'POST',
    body: JSON.stringify({ name }),
    headers: {
      authorization: `Bearer ${user}`,
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  })

test('a repeat gets the first answer, and nothing is made again', async () => {
  const key = newId()
  expect((await create(key)).status).toBe(201)
  const again = await create(key)
  expect(again.status).toBe(201)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(again.headers.get('content-type')).toBe('application/json')
  expect(await again.json()).toEqual({ number: 1 })
  expect(made).toBe(1)
})

test('what is found or made is told as it is by then, and nothing of it is stored', async () => {
  const key = newId()
  await create(key, 'a', 'ann', '/found')
  const again = await create(key, 'a', 'ann', '/found')
  expect(again.status).toBe(201)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(again.headers.get('content-type')).toBe('application/json')
  expect(await again.json()).toEqual({ number: 2 })
  expect((await create(key, 'b', 'ann', '/found')).status).toBe(422)
  expect(await sql`select body from idempotency_keys where key = ${key}`).toMatchObject([{ body: '' }])
})

test('a key with another body is refused with 422', async () => {
  const key = newId()
  await create(key)
  const other = await create(key, 'b')
  expect(other.status).toBe(422)
  expect(await other.json()).toMatchObject({ code: 'invalid', reason: 'key_reused' })
})

test('while the first is worked on, a repeat is refused with 409 and made once', async () => {
  const key = newId()
  const gate = Promise.withResolvers<void>()
  work = () => gate.promise
  const attempts = Array.from({ length: 20 }, async () => await create(key))
  let refused = 0
  for (const attempt of attempts)
    void attempt.then(({ status }) => {
      if (status === 409) refused += 1
      if (refused === 19) gate.resolve()
    })
  await gate.promise
  const statuses = (await Promise.all(attempts)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 201)).toHaveLength(1)
  expect(made).toBe(1)
})

test('a failure that is nobody’s word is not remembered', async () => {
  const key = newId()
  work = async () => {
    throw new Problem('unavailable', 'away')
  }
  expect((await create(key)).status).toBe(503)
  work = async () => {}
  expect((await create(key)).status).toBe(201)
})

test('a refusal is remembered as it was', async () => {
  const key = newId()
  work = async () => {
    throw new Problem('forbidden', 'no', { reason: 'not_accepting' })
  }
  expect((await create(key)).status).toBe(403)
  work = async () => {}
  const again = await create(key)
  expect(again.status).toBe(403)
  expect(again.headers.get('content-type')).toBe('application/problem+json')
  expect(await again.json()).toMatchObject({ reason: 'not_accepting' })
})

test('a claim that a crash left is taken over after a minute', async () => {
  const key = newId()
  await create(key)
  await sql`update idempotency_keys set status = null, body = null where key = ${key}`
  expect((await create(key)).status).toBe(409)
  await sql`update idempotency_keys set locked_at = now() - interval '61 seconds' where key = ${key}`
  expect((await create(key)).status).toBe(201)
  expect(made).toBe(2)
})

test('a key is its owner’s alone, and without one nothing is remembered', async () => {
  const key = newId()
  await create(key)
  expect(await (await create(key, 'a', 'ben')).json()).toEqual({ number: 2 })
  await create(undefined)
  await create(undefined)
  expect(made).toBe(4)
})

test('a key that is no plain text of up to 128 characters is refused', async () => {
  for (const key of ['x'.repeat(129), 'a b', 'ä']) expect((await create(key)).status).toBe(400)
  expect(made).toBe(0)
})
