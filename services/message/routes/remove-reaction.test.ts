import { expect, test } from 'bun:test'
import { messageReacted } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const target = (id: string) => `/api/v1/messages/${id}/reactions/${encodeURIComponent('🎉')}`

test('a reaction is taken back once, and both are told', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  await world.ask(ben, 'PUT', target(sent.id))
  await world.ask(ann, 'PUT', target(sent.id))
  const left = await parse(Message, await world.ask(ben, 'DELETE', target(sent.id)))
  expect(left).toMatchObject({ revision: 4, reactions: [{ emoji: '🎉', userIds: [ann.id] }] })
  expect(await parse(Message, await world.ask(ben, 'DELETE', target(sent.id)))).toEqual(left)
  expect(await world.db`select from reactions where message_id = ${sent.id}`).toHaveLength(1)
  expect((await world.eventOf(messageReacted, conversation.id, 4)).data).toEqual(left)
})

test('400 for no emoji, 401 without a token, 404 for a stranger', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  await expectProblem(world.ask(ann, 'DELETE', `/api/v1/messages/${sent.id}/reactions/x`), 400)
  await expectProblem(world.ask(undefined, 'DELETE', target(sent.id)), 401)
  await expectProblem(world.ask(await world.createUser(), 'DELETE', target(sent.id)), 404)
})
