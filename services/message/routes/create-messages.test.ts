import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import type { TestUser } from '@plaza/kit/testing'
import { z } from 'zod'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const target = '/internal/v1/messages/batch'
const Results = z.object({ results: z.array(z.any()) })

const itemOf = (user: TestUser, conversationId: string, rest: object = { text: 'hello' }) => ({
  userId: user.id,
  sessionId: user.sessionId,
  issuedAt: Date.now() / 1_000,
  role: 'user',
  key: newId(),
  conversationId,
  ...rest,
})
const sendAll = async (items: unknown[]) =>
  (await parse(Results, await world.askAs('websocket', 'POST', target, { items }))).results

test('each item is answered by itself, in its order', async () => {
  const { ann, ben, conversation } = await world.pair()
  const stranger = await world.createUser()
  const results = await sendAll([
    itemOf(ann, conversation.id, { text: 'one' }),
    itemOf(stranger, conversation.id),
    { nonsense: true },
    itemOf(ann, conversation.id, { text: 'two\0' }),
    itemOf(ann, conversation.id, { text: 'reply', replyToId: newId() }),
    itemOf(ben, conversation.id, { text: 'three' }),
  ])
  expect(results).toMatchObject([
    { message: { text: 'one', seq: 1, senderId: ann.id } },
    { problem: { status: 404, code: 'not_found' } },
    { problem: { status: 400 } },
    { problem: { status: 400 } },
    { problem: { status: 404, reason: 'reply_not_found' } },
    { message: { text: 'three', seq: 2, senderId: ben.id } },
  ])
})

test('by REST and by socket the same key is the same message', async () => {
  const { ann, conversation } = await world.pair()
  const item = itemOf(ann, conversation.id, { text: 'once' })
  const [byRest, [bySocket]] = await Promise.all([
    world.send(ann, conversation.id, 'once', item.key),
    sendAll([item]),
  ])
  expect(bySocket.message).toEqual(byRest)
  const [other] = await sendAll([{ ...item, text: 'other' }])
  expect(other.problem).toMatchObject({ status: 422, reason: 'key_reused' })
})

test('the event of a sampled trace names it, and that of no other', async () => {
  const { ann, conversation } = await world.pair()
  const sampled = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const traces = [sampled, sampled.replace(/1$/, '0'), 'malformed', undefined]
  await sendAll(traces.map((traceparent) => itemOf(ann, conversation.id, { text: 'hello', traceparent })))
  const events = await world.db<{ body: string }[]>`
    select body
    from outbox
    where subject = ${`evt.message.created.${conversation.id}`}`
  const named = events.map(({ body }) =>
    z.object({ traceparent: z.string().optional() }).parse(JSON.parse(body)),
  )
  expect(named.flatMap(({ traceparent }) => traceparent ?? [])).toEqual([sampled])
})

test('an envelope above 48 KB is refused here', async () => {
  const { ann, conversation } = await world.pair()
  const envelope = { algorithm: 'x', ciphertexts: [{ deviceId: 'd', body: 'A'.repeat(60_000) }] }
  const [result] = await sendAll([itemOf(ann, conversation.id, { envelope })])
  expect(result.problem).toMatchObject({ status: 400 })
})

test('an item of a session that has ended is refused', async () => {
  const { ann, conversation } = await world.pair()
  const { revocations } = await world.host.identity('message')
  revocations.apply({ scope: 'session', id: ann.sessionId, notBefore: Date.now() / 1_000 })
  const [result] = await sendAll([itemOf(ann, conversation.id)])
  expect(result.problem).toMatchObject({ status: 401, reason: 'revoked' })
})

test('only services may call it', async () => {
  const { ann, conversation } = await world.pair()
  await expectProblem(world.ask(ann, 'POST', target, { items: [itemOf(ann, conversation.id)] }), 401)
  await expectProblem(world.ask(undefined, 'POST', target, { items: [] }), 401)
})
