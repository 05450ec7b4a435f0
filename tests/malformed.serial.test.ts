import { afterAll, expect, test } from 'bun:test'
import { fill, listOperations, type Operation } from './operations.ts'
import { someoneNew, unexpectedErrors } from './people.ts'
import { startPlaza } from './plaza.ts'

const plaza = await startPlaza()
afterAll(() => plaza.stop())
const ada = await someoneNew(plaza.url, 'ada')
const ben = await someoneNew(plaza.url, 'ben')
const { id: conversationId } = await ada.client.talk.open(ben.id)
const { id: messageId } = await ada.client.send(conversationId, 'hello')
const authorization = `Bearer ${(await ada.client.account.session())?.accessToken}`
const { services } = await plaza.run()
const instances = services.flatMap((process) => process.services)
const portOf = (name: string) => instances.find((service) => service.name === name)?.port
afterAll(() => Promise.all([ada, ben].map(({ client }) => client.close())))

const good: Record<string, string> = {
  conversationId,
  messageId,
  userId: ben.id,
  sessionId: crypto.randomUUID(),
  erasureId: crypto.randomUUID(),
  emoji: '👍',
}
const operations = await listOperations()
const withBody = operations.filter(({ hasBody }) => hasBody)
/** The gateway, and the service itself past it. */
const basesOf = ({ service }: Operation) => [plaza.url, `http://127.0.0.1:${portOf(service)}`]

async function refuses(operation: Operation, answer: Response) {
  const text = await answer.text()
  const what = `${operation.id} answered ${answer.status} ${text.slice(0, 300)}`
  if (answer.status < 400 || answer.status >= 500) throw new Error(what)
  if (answer.headers.get('content-type') !== 'application/problem+json') throw new Error(what)
}

const bodies: Record<string, string | Uint8Array<ArrayBuffer>> = {
  'malformed JSON': '{"text": "a',
  'an empty body': '',
  'a list': '[]',
  'a bare null': 'null',
  'a bare number': '7',
  'an object of nothing it knows': '{"__proto__": {"admin": true}, "constructor": 1}',
  'wrong types': JSON.stringify({
    text: { a: 1 },
    envelope: 'x',
    userId: 7,
    username: [],
    email: {},
    password: 1,
    login: null,
    refreshToken: 5,
    token: {},
    newPassword: [],
    currentPassword: 0,
    cursor: 4,
    readSeq: 'x',
    deliveredSeq: -1,
    role: 'root',
    reason: 9,
    whoMayWrite: 1,
    displayName: 5,
    bio: [],
    type: 0,
  }),
  'NUL and lone surrogates': `{${[
    'text',
    'username',
    'email',
    'password',
    'login',
    'refreshToken',
    'token',
    'newPassword',
    'currentPassword',
    'cursor',
    'userId',
    'reason',
    'role',
    'displayName',
    'bio',
    'type',
    'whoMayWrite',
  ]
    .map((name) => `"${name}": "a\\u0000b\\ud800"`)
    .join()}}`,
  'bytes that are no UTF-8': new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  'ten thousand levels': '['.repeat(10_000) + ']'.repeat(10_000),
}

for (const [name, body] of Object.entries(bodies))
  test(`${name} in place of a body: a clear 4xx from every operation`, async () => {
    for (const operation of withBody)
      for (const base of basesOf(operation)) {
        const answer = await fetch(base + fill(operation.path, good), {
          method: operation.method,
          headers: { authorization, 'content-type': 'application/json' },
          body,
        })
        await refuses(operation, answer)
      }
  })

test('a body of another type than JSON: a clear 4xx from every operation', async () => {
  for (const operation of withBody)
    for (const base of basesOf(operation)) {
      const answer = await fetch(base + fill(operation.path, good), {
        method: operation.method,
        headers: { authorization, 'content-type': 'text/xml' },
        body: '<text>hello</text>',
      })
      await refuses(operation, answer)
    }
})

const badIds = [
  '7',
  'x'.repeat(300),
  '00000000-0000-0000-0000-00000000000g',
  "' or 1=1 --",
  'a\0b',
  '%',
  '\u{10ffff}',
]

test('ids that are none: a clear 4xx from every operation', async () => {
  for (const operation of operations.filter(({ path }) => path.includes('{')))
    for (const bad of badIds)
      for (const base of basesOf(operation)) {
        const ids = Object.fromEntries(Object.keys(good).map((name) => [name, bad]))
        const answer = await fetch(base + fill(operation.path, ids), {
          method: operation.method,
          headers: { authorization, 'content-type': 'application/json' },
          ...(operation.hasBody ? { body: '{"text":"hello","readSeq":1,"role":"user","reason":"x"}' } : {}),
        })
        expect([operation.id, bad, answer.status >= 400 && answer.status < 500]).toEqual([
          operation.id,
          bad,
          true,
        ])
      }
})

const forged = (...key: unknown[]) => Buffer.from(JSON.stringify(key)).toString('base64url')
const badQueries = [
  `query=a&cursor=${forged('a', 2 ** 40, 'a', crypto.randomUUID())}`,
  `cursor=${forged('0000-01-01T00:00:00Z', crypto.randomUUID())}`,
  'limit=0',
  'limit=101',
  'limit=x',
  'cursor=x',
  'cursor=%00',
  'query=%00',
  'query=%ED%A0%80',
  'after=-1',
  'before=x&after=1',
]

test('queries that make no sense are refused or passed over, and are nobody’s bug', async () => {
  for (const operation of operations.filter(({ method }) => method === 'GET'))
    for (const query of badQueries)
      for (const base of basesOf(operation)) {
        const answer = await fetch(`${base}${fill(operation.path, good)}?${query}`, {
          headers: { authorization },
        })
        await answer.arrayBuffer()
        expect([operation.id, query, answer.status < 500]).toEqual([operation.id, query, true])
      }
})

const huge = JSON.stringify({ text: 'x'.repeat(10 << 20) })

/** A service reads no body of those who may not call; the gateway refuses it before anybody asks who they are. */
const refusalsOf = ({ id, access }: Operation) =>
  access === 'public' || access === 'user' ? [`${id} 413`] : [`${id} 413`, `${id} 403`]

test('a body of 10 MB is refused, announced or not', async () => {
  for (const operation of withBody)
    for (const base of basesOf(operation))
      for (const body of [huge, new Blob([huge]).stream()]) {
        const answer = await fetch(base + fill(operation.path, good), {
          method: operation.method,
          headers: { authorization, 'content-type': 'application/json' },
          body,
        }).catch(() => undefined)
        // A server that stops listening in the middle of a body may break the line before its answer is read.
        if (answer) expect(refusalsOf(operation)).toContain(`${operation.id} ${answer.status}`)
        await answer?.arrayBuffer()
      }
})

test('5,000 headers: a clear 4xx', async () => {
  const headers = new Headers({ authorization })
  for (let number = 0; number < 5_000; number += 1) headers.set(`x-header-${number}`, 'value')
  for (const operation of operations.filter(({ id }) =>
    ['getMe', 'getPrivacy', 'listConversations', 'listQueue'].includes(id),
  ))
    for (const base of basesOf(operation)) {
      const answer = await fetch(base + fill(operation.path, good), { headers })
      expect([operation.id, answer.status]).toEqual([operation.id, 431])
    }
})

test('after all of it everything still works and no bug was met', async () => {
  const sent = await ada.client.send(conversationId, 'still here')
  expect(sent.seq).toBe(2)
  expect(await unexpectedErrors(instances.map(({ port }) => port))).toBe(0)
})
