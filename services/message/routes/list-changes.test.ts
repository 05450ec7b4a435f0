import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { z } from 'zod'
import { Message, Pointers } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const Changes = z.object({
  items: z.array(Message),
  receipts: z.array(Pointers),
  revision: z.int(),
  more: z.boolean(),
})
const target = (id: string, query: string) => `/api/v1/conversations/${id}/changes?${query}`
const changes = async (user: TestUser, id: string, query: string) =>
  await parse(Changes, await world.ask(user, 'GET', target(id, query)))

test('a device that missed a while gets each changed message once, as it is now, and the pointers', async () => {
  const { ann, ben, conversation } = await world.pair()
  const one = await world.send(ann, conversation.id, 'one')
  const two = await world.send(ann, conversation.id, 'two')
  const since = await changes(ben, conversation.id, 'after=0')
  expect(since).toMatchObject({ revision: 2, more: false, items: [{ id: one.id }, { id: two.id }] })
  const three = await world.send(ben, conversation.id, 'three')
  await world.ask(ann, 'PATCH', `/api/v1/messages/${one.id}`, { text: 'uno' })
  await world.ask(ben, 'PUT', `/api/v1/messages/${one.id}/reactions/${encodeURIComponent('👍')}`)
  await world.ask(ann, 'DELETE', `/api/v1/messages/${two.id}`)
  await world.ask(ben, 'PUT', `/api/v1/conversations/${conversation.id}/receipts`, { readSeq: 2 })
  const missed = await changes(ben, conversation.id, `after=${since.revision}`)
  expect(missed.items).toMatchObject([
    { id: three.id, revision: 3 },
    { id: one.id, revision: 5, text: 'uno', reactions: [{ emoji: '👍', userIds: [ben.id] }] },
    { id: two.id, revision: 6, text: null },
  ])
  expect(missed).toMatchObject({ revision: 7, more: false })
  expect(missed.receipts).toContainEqual({ userId: ben.id, deliveredSeq: 2, readSeq: 2 })
  expect(await changes(ben, conversation.id, 'after=7')).toMatchObject({ items: [], revision: 7 })
})

test('many changes come in pages, and walking them meets every message', async () => {
  const { ann, conversation } = await world.pair()
  await Promise.all(Array.from({ length: 25 }, (_, n) => world.send(ann, conversation.id, `text ${n}`)))
  const seen: number[] = []
  let after = 0
  for (;;) {
    const page = await changes(ann, conversation.id, `after=${after}&limit=10`)
    seen.push(...page.items.map(({ seq }) => seq))
    after = page.revision
    if (!page.more) break
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => n + 1))
})

test('what changes while it is answered is left out for that no more than any other, and the pointers are as new', async () => {
  const { ann, ben, conversation } = await world.pair()
  const one = await world.send(ann, conversation.id, 'one')
  const two = await world.send(ann, conversation.id, 'two')
  const answering = await world.db.begin(async (tx) => {
    // The conversation can be read meanwhile, the messages cannot.
    await tx`lock table messages in access exclusive mode`
    const asked = changes(ann, conversation.id, 'after=0')
    await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
    await tx`
      update conversations
      set low_read_seq = 2, low_delivered_seq = 2, high_read_seq = 2, high_delivered_seq = 2, revision = 4
      where id = ${conversation.id}`
    await tx`update messages set revision = 4 where conversation_id = ${conversation.id} and seq = 2`
    return { asked }
  })
  const answer = await answering.asked
  expect(answer).toMatchObject({
    revision: 4,
    more: false,
    items: [{ id: one.id }, { id: two.id, revision: 4 }],
  })
  expect(answer.receipts).toContainEqual({ userId: ben.id, deliveredSeq: 2, readSeq: 2 })
})

test('400 for nonsense, 401 without a token, 404 for a stranger', async () => {
  const { ann, conversation } = await world.pair()
  for (const query of ['after=-1', 'after=x', 'after='])
    await expectProblem(world.ask(ann, 'GET', target(conversation.id, query)), 400)
  await expectProblem(world.ask(undefined, 'GET', target(conversation.id, 'after=0')), 401)
  await expectProblem(world.ask(await world.createUser(), 'GET', target(conversation.id, 'after=0')), 404)
  await expectProblem(world.ask(ann, 'GET', target(newId(), 'after=0')), 404)
})
