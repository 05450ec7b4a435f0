import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { z } from 'zod'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('lookUpMessages answers those of the named user, in their order', async () => {
  const { ann, conversation } = await world.pair()
  const foreign = await world.pair()
  const [one, two] = [
    await world.send(ann, conversation.id, '1'),
    await world.send(ann, conversation.id, '2'),
  ]
  const three = await world.send(foreign.ann, foreign.conversation.id, '3')
  const ids = [two.id, three.id, newId(), one.id]
  const answer = await world.askAs('websocket', 'POST', '/internal/v1/messages/lookup', {
    userId: ann.id,
    ids,
  })
  const { items } = await parse(z.object({ items: z.array(Message) }), answer)
  expect(items).toEqual([two, one])
})

test('getAudience names the other one only while they accept', async () => {
  const { ann, ben, conversation } = await world.pair()
  const target = (userId: string) => `/internal/v1/conversations/${conversation.id}/audience?userId=${userId}`
  const audience = async () => (await world.askAs('websocket', 'GET', target(ann.id))).json()
  expect(await audience()).toEqual({ userIds: [ben.id] })
  await world.relate(ben, ann, { blocked: true }, 1)
  expect(await audience()).toEqual({ userIds: [] })
  await expectProblem(world.askAs('websocket', 'GET', target(newId())), 404)
})

test('getUserCounters names the hundred conversations last active', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.send(ann, conversation.id, 'hello')
  await world.ask(ben, 'PUT', `/api/v1/conversations/${conversation.id}/receipts`, { readSeq: 1 })
  const counters = await world.askAs('websocket', 'GET', `/internal/v1/users/${ben.id}/counters`)
  expect(await counters.json()).toEqual({
    conversations: [{ id: conversation.id, seq: 1, revision: 2, deliveredSeq: 1, readSeq: 1 }],
    more: false,
  })
})

test('putRelation and putPrivacy: 400 for nonsense', async () => {
  await expectProblem(world.askAs('user', 'PUT', '/internal/v1/relations', { ownerId: newId() }), 400)
  await expectProblem(world.askAs('user', 'PUT', '/internal/v1/privacy', { userId: newId() }), 400)
})

test('no user may call what is for services', async () => {
  const { ann, conversation } = await world.pair()
  const calls: [string, string, unknown?][] = [
    ['POST', '/internal/v1/messages/lookup', { userId: ann.id, ids: [] }],
    ['GET', `/internal/v1/conversations/${conversation.id}/audience?userId=${ann.id}`],
    ['GET', `/internal/v1/users/${ann.id}/counters`],
    ['PUT', '/internal/v1/relations', {}],
    ['PUT', '/internal/v1/privacy', {}],
  ]
  for (const [method, target, body] of calls) await expectProblem(world.ask(ann, method, target, body), 401)
})
