import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test("a user's conversations are named with their counters", async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.send(ann, conversation.id, 'hello')
  await world.ask(ben, 'PUT', `/api/v1/conversations/${conversation.id}/receipts`, { readSeq: 1 })
  const counters = await world.askAs('websocket', 'GET', `/internal/v1/users/${ben.id}/counters`)
  expect(await counters.json()).toEqual({
    conversations: [{ id: conversation.id, seq: 1, revision: 2, deliveredSeq: 1, readSeq: 1 }],
    more: false,
  })
})

test('only services may call it', async () => {
  await expectProblem(
    world.ask(await world.createUser(), 'GET', `/internal/v1/users/${newId()}/counters`),
    401,
  )
})
