import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { Conversation } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('each person sees their own side of a conversation', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  const target = `/api/v1/conversations/${conversation.id}`
  const mine = await parse(Conversation, await world.ask(ann, 'GET', target))
  const theirs = await parse(Conversation, await world.ask(ben, 'GET', target))
  expect(mine).toMatchObject({ lastMessage: sent, unread: 0, peer: { userId: ben.id } })
  expect(theirs).toMatchObject({ lastMessage: sent, unread: 1, peer: { userId: ann.id } })
})

test('400 for no UUID, 401 without a token, 404 for a stranger and for nothing', async () => {
  const { ann, conversation } = await world.pair()
  await expectProblem(world.ask(ann, 'GET', '/api/v1/conversations/x'), 400)
  await expectProblem(world.ask(undefined, 'GET', `/api/v1/conversations/${conversation.id}`), 401)
  await expectProblem(
    world.ask(await world.createUser(), 'GET', `/api/v1/conversations/${conversation.id}`),
    404,
  )
  await expectProblem(world.ask(ann, 'GET', `/api/v1/conversations/${newId()}`), 404)
})
