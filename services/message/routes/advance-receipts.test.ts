import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { receiptAdvanced } from '../events.ts'
import { Conversation, ReceiptState } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const target = (id: string) => `/api/v1/conversations/${id}/receipts`
const advance = async (user: TestUser, id: string, receipt: object) =>
  await parse(ReceiptState, await world.ask(user, 'PUT', target(id), receipt))
const conversationOf = async (user: TestUser, id: string) =>
  await parse(Conversation, await world.ask(user, 'GET', `/api/v1/conversations/${id}`))
const written = async (count = 3) => {
  const world3 = await world.pair()
  for (let n = 0; n < count; n += 1) await world.send(world3.ann, world3.conversation.id, `text ${n}`)
  return { ...world3, id: world3.conversation.id }
}
const storedEvents = (id: string) => world.db<{ body: string; recipients: string }[]>`
  select body, recipients from outbox where subject = ${`evt.receipt.advanced.${id}`} order by created_at, id`

test('pointers go forward, never back and never past the last message, and both people are told', async () => {
  const { ann, ben, id } = await written()
  expect(await advance(ben, id, { deliveredSeq: 2, readSeq: 1 })).toEqual({
    conversationId: id,
    deliveredSeq: 2,
    readSeq: 1,
    revision: 4,
  })
  expect(await advance(ben, id, { deliveredSeq: 1, readSeq: 0 })).toMatchObject({
    deliveredSeq: 2,
    readSeq: 1,
    revision: 4,
  })
  expect(await advance(ben, id, { readSeq: 99 })).toMatchObject({ deliveredSeq: 3, readSeq: 3, revision: 5 })
  expect((await conversationOf(ann, id)).peer).toEqual({ userId: ben.id, deliveredSeq: 3, readSeq: 3 })
  const [row] = await world.db`
    select low_read_seq + high_read_seq as read, revision from conversations where id = ${id}`
  expect(row).toEqual({ read: 3, revision: 5 })
  const event = await world.eventOf(receiptAdvanced, id, 5)
  expect(event.data).toEqual({ conversationId: id, userId: ben.id, deliveredSeq: 3, readSeq: 3, revision: 5 })
  const stored = await storedEvents(id)
  expect(stored).toHaveLength(2)
  expect(stored[0]?.recipients.split(',').sort()).toEqual([ann.id, ben.id].sort())
})

test('receipts that its owner keeps private are shown to their own devices only', async () => {
  const { ann, ben, id } = await written()
  await world.setPrivacy(ben, { sendReadReceipts: false }, 1)
  await advance(ben, id, { deliveredSeq: 2, readSeq: 2 })
  const events = (await storedEvents(id)).map(({ body, recipients }) => ({
    recipients,
    data: JSON.parse(body).data,
  }))
  expect(events).toHaveLength(2)
  expect(events.find(({ recipients }) => recipients === ben.id)?.data).toMatchObject({
    deliveredSeq: 2,
    readSeq: 2,
  })
  expect(events.find(({ recipients }) => recipients === ann.id)?.data).toMatchObject({
    deliveredSeq: 2,
    readSeq: 0,
  })
  expect((await conversationOf(ann, id)).peer).toMatchObject({ deliveredSeq: 2, readSeq: 0 })
  expect((await conversationOf(ben, id)).readSeq).toBe(2)
})

test('a move of which the other one may see nothing does not show in the revision either', async () => {
  const { ben, id } = await written()
  await world.setPrivacy(ben, { sendReadReceipts: false, sendDeliveryReceipts: false }, 1)
  expect(await advance(ben, id, { readSeq: 3 })).toMatchObject({ readSeq: 3, revision: 3 })
  const events = await storedEvents(id)
  expect(events.map(({ recipients }) => recipients)).toEqual([ben.id])
})

test('many receipts at once end at the highest, with few events', async () => {
  const { ann, ben, id } = await written(20)
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => advance(n % 2 ? ben : ann, id, { readSeq: n % 21 })),
  )
  expect(await conversationOf(ben, id)).toMatchObject({ readSeq: 20, unread: 0, peer: { readSeq: 20 } })
  expect((await storedEvents(id)).length).toBeLessThan(50)
})

test('unread counts what the other one wrote and did not delete', async () => {
  const { ann, ben, id } = await written(5)
  await world.send(ben, id, 'my own')
  const last = await world.send(ann, id, 'to be deleted')
  expect((await conversationOf(ben, id)).unread).toBe(6)
  await world.ask(ann, 'DELETE', `/api/v1/messages/${last.id}`)
  await advance(ben, id, { readSeq: 2 })
  expect((await conversationOf(ben, id)).unread).toBe(3)
  expect(await (await world.ask(ben, 'GET', '/api/v1/conversations/unread')).json()).toEqual({
    messages: 3,
    conversations: 1,
  })
  await eventually(async () => expect((await conversationOf(ann, id)).unread).toBe(1))
})

test('400 without a pointer or with nonsense, 401 without a token, 404 for a stranger', async () => {
  const { ann, id } = await written(1)
  for (const body of [{}, { readSeq: -1 }, { readSeq: 1.5 }, { readSeq: '1' }, { readSeq: 2 ** 40 }])
    await expectProblem(world.ask(ann, 'PUT', target(id), body), 400)
  await expectProblem(world.ask(undefined, 'PUT', target(id), { readSeq: 1 }), 401)
  await expectProblem(world.ask(await world.createUser(), 'PUT', target(id), { readSeq: 1 }), 404)
  await expectProblem(world.ask(ann, 'PUT', target(newId()), { readSeq: 1 }), 404)
})
