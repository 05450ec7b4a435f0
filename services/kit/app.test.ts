import { expect, test } from 'bun:test'
import { createRoute, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { newApp, toProblem } from './app.ts'
import type { Identity } from './identity.ts'
import { createLog } from './log.ts'
import { unexpectedErrors } from './metrics.ts'
import { isProblem, Problem, ProblemBody } from './problem.ts'
import { defineRoute, json, jsonBody, problems, userOf } from './route.ts'
import { Text } from './text.ts'

const log = createLog('silent')
const user = { kind: 'user', userId: 'u', sessionId: 's', role: 'user', issuedAt: 0, expiresAt: 0 } as const
const identity: Identity = {
  async verifyUser(token) {
    if (token !== 'good') throw new Problem('unauthenticated', 'The access token is not valid')
    return user
  },
  async assertNotRevoked() {},
  revocations: {
    isRevoked: () => false,
    isFresh: () => true,
    apply() {},
    onRevoked: () => () => {},
    async stop() {},
  },
}
const tokens = { issue: async () => 't', verify: async (token: string) => token }

const saveText = createRoute({
  method: 'post',
  path: '/texts',
  operationId: 'saveText',
  'x-access': 'user',
  summary: 'Save a text',
  request: { body: jsonBody(z.object({ text: Text(2_000_000) }), 'A text') },
  responses: { 200: json(z.object({ length: z.int() }), 'Saved'), ...problems },
} as const)
const fail = createRoute({
  method: 'get',
  path: '/failures/{kind}',
  operationId: 'fail',
  'x-access': 'public',
  summary: 'Fail',
  request: { params: z.object({ kind: z.string() }) },
  responses: { 200: json(z.object({}), 'Never'), ...problems },
} as const)
const rule = createRoute({
  method: 'get',
  path: '/rules',
  operationId: 'rule',
  'x-access': 'moderator',
  summary: 'Rule',
  responses: { 200: json(z.object({}), 'Ruled'), ...problems },
} as const)

const failures: Record<string, Error> = {
  limited: new Problem('limited', 'Slower', { retryAfterSeconds: 7 }),
  bug: new Error('select secret from passwords'),
  store: Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }),
}
const app = newApp({ service: 'test', identity, tokens, log }).openapiRoutes([
  defineRoute(saveText, async (c) => c.json({ length: c.req.valid('json').text.length }, 200)),
  defineRoute(fail, async (c) => {
    throw failures[c.req.valid('param').kind] ?? new Error('unknown')
  }),
  defineRoute(rule, async (c) => c.json({ userOf: userOf(c) }, 200)),
])

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream
const post = (body: Body, headers: Record<string, string> = {}) =>
  app.request('/texts', {
    method: 'POST',
    body,
    headers: { authorization: 'Bearer good', 'content-type': 'application/json', ...headers },
  })

async function problemOf(answer: Response) {
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  return ProblemBody.parse(await answer.json())
}

const unexpected = async () =>
  (await unexpectedErrors.get()).values.reduce((sum, { value }) => sum + value, 0)

test('a valid body passes', async () => {
  const answer = await post('{"text":"hello"}')
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ length: 5 })
})

const malformed: Record<string, Body> = {
  'no JSON': '{"text":',
  'an empty body': '',
  'a list': '[]',
  'a bare null': 'null',
  'a wrong type': '{"text":5}',
  'a missing field': '{}',
  NUL: '{"text":"a\\u0000b"}',
  'a lone surrogate': '{"text":"a\\ud800b"}',
  'bytes that are no UTF-8': new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
  'a text that is no UTF-8': Buffer.from('{"text":"caf\xe9"}', 'latin1'),
  'half a character': Buffer.from('{"text":"\xf0\x9f\x91"}', 'latin1'),
}
for (const [name, body] of Object.entries(malformed))
  test(`${name} is answered as invalid and counts as nobody's bug`, async () => {
    const before = await unexpected()
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(await problemOf(answer)).toMatchObject({ status: 400, code: 'invalid' })
    expect(await unexpected()).toBe(before)
  })

test('the character that stands for what cannot be read may be sent', async () => {
  const answer = await post('{"text":"\ufffd, é, 👍"}')
  expect(await answer.json()).toEqual({ length: 8 })
})

test('a body that ends early is answered as invalid, whether or not its length is announced', async () => {
  for (const [name, value] of [
    ['content-length', '100'],
    ['transfer-encoding', 'chunked'],
  ] as const) {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
    const answer = await post(body, { [name]: value })
    expect(await problemOf(answer)).toMatchObject({ status: 400, code: 'invalid' })
  }
})

test('a body of another type than JSON is answered as invalid', async () => {
  const answer = await post('text=hello', { 'content-type': 'application/x-www-form-urlencoded' })
  expect(answer.status).toBe(415)
  expect(await problemOf(answer)).toMatchObject({ code: 'invalid', reason: 'media_type' })
})

test('a body over 1 MiB is refused with 413, whether or not its length is announced', async () => {
  const body = JSON.stringify({ text: 'x'.repeat(1 << 20) })
  const announced = await post(body, { 'content-length': String(body.length) })
  const streamed = await post(new Blob([body]).stream())
  for (const answer of [announced, streamed]) {
    expect(answer.status).toBe(413)
    expect(await problemOf(answer)).toMatchObject({ code: 'invalid', reason: 'too_large' })
  }
})

test('an unknown path, a missing token and too low a rank have their own codes', async () => {
  const headers = { authorization: 'Bearer good' }
  expect(await problemOf(await app.request('/nowhere'))).toMatchObject({ status: 404, code: 'not_found' })
  expect(await problemOf(await post('{}', { authorization: '' }))).toMatchObject({ code: 'unauthenticated' })
  expect(await problemOf(await app.request('/rules', { headers }))).toMatchObject({ status: 403 })
})

test('a problem says when to come back', async () => {
  const answer = await app.request('/failures/limited')
  expect(answer.status).toBe(429)
  expect(answer.headers.get('retry-after')).toBe('7')
})

test('a store that is away is 503; a bug is a bare 500 that is counted and tells nothing', async () => {
  const before = await unexpected()
  expect((await app.request('/failures/store')).status).toBe(503)
  expect(await unexpected()).toBe(before)
  const answer = await app.request('/failures/bug')
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('secret')
  expect(await unexpected()).toBe(before + 1)
})

test("a caller's plain request id is kept, any other replaced", async () => {
  const kept = await app.request('/nowhere', { headers: { 'x-request-id': 'abcd-1234' } })
  expect(kept.headers.get('x-request-id')).toBe('abcd-1234')
  const replaced = await app.request('/nowhere', { headers: { 'x-request-id': '<script>' } })
  expect(replaced.headers.get('x-request-id')).not.toContain('<')
})

test('errors of the frameworks become problems', () => {
  expect(isProblem(toProblem(new HTTPException(400, { message: 'Malformed JSON' })))).toBe(true)
  expect(isProblem(toProblem(Object.assign(new Error('NUL'), { code: '22021' })))).toBe(true)
  for (const code of ['22003', '22007', '22008'])
    expect(toProblem(Object.assign(new Error('out of range'), { code }))).toMatchObject({ code: 'invalid' })
  for (const code of ['53100', '53200', '53300', '25006'])
    expect(toProblem(Object.assign(new Error('full'), { code }))).toMatchObject({ code: 'unavailable' })
  expect(isProblem(toProblem(new Error('bug')))).toBe(false)
})
