import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { z } from 'zod'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const Named = z.object({ conversations: z.array(z.object({ id: z.string() })) })
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

test('an empty conversation that a blocked person opened is not named, until something was said in it', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  await world.relate(ben, ann, { blocked: true }, 1)
  const conversation = await world.open(ann, ben)
  const named = async (userId: string) => {
    const answer = await world.askAs('websocket', 'GET', `/internal/v1/users/${userId}/counters`)
    return (await parse(Named, answer)).conversations.map(({ id }) => id)
  }
  expect(await named(ann.id)).toEqual([conversation.id])
  expect(await named(ben.id)).toEqual([])
  await world.relate(ben, ann, { blocked: false }, 2)
  await world.send(ann, conversation.id, 'hello')
  await world.relate(ben, ann, { blocked: true }, 3)
  expect(await named(ben.id)).toEqual([conversation.id])
})

test('only services may call it', async () => {
  await expectProblem(
    world.ask(await world.createUser(), 'GET', `/internal/v1/users/${newId()}/counters`),
    401,
  )
})
