import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { messageDeleted } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path, { DELETE_WINDOW_SECONDS: '3600' })
const target = (id: string) => `/api/v1/messages/${id}`

test('a deleted message keeps its id and place, and nothing of what it said', async () => {
  const { ann, ben, conversation } = await world.pair()
  const key = newId()
  const sent = await world.send(ann, conversation.id, 'secret', key)
  await world.ask(ben, 'PUT', `${target(sent.id)}/reactions/${encodeURIComponent('👍')}`)
  const left = await parse(Message, await world.ask(ann, 'DELETE', target(sent.id)))
  expect(left).toMatchObject({ id: sent.id, seq: 1, revision: 3, text: null, reactions: [] })
  expect(left.deletedAt).not.toBeNull()
  const [row] = await world.db`select text, envelope, request_hash from messages where id = ${sent.id}`
  expect(row).toEqual({ text: null, envelope: null, requestHash: null })
  const event = await world.eventOf(messageDeleted, conversation.id)
  expect(event.data).toEqual(left)
  expect(await parse(Message, await world.ask(ann, 'DELETE', target(sent.id)))).toEqual(left)
  expect(await world.send(ann, conversation.id, 'secret', key)).toEqual(left)
})

test('401 without a token', () => expectProblem(world.ask(undefined, 'DELETE', target(newId())), 401))

test('403 for the other one, 404 for a stranger', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'mine')
  await expectProblem(world.ask(ben, 'DELETE', target(sent.id)), 403, 'not_sender')
  await expectProblem(world.ask(await world.createUser(), 'DELETE', target(sent.id)), 404)
})

test('403 once the window is over', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'old')
  await world.db`update messages set created_at = now() - interval '2 hours' where id = ${sent.id}`
  await expectProblem(world.ask(ann, 'DELETE', target(sent.id)), 403, 'window_over')
})
