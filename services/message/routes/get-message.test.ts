import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('both people read a message, an encrypted one as it came', async () => {
  const { ann, ben, conversation } = await world.pair()
  const envelope = { algorithm: 'x3dh', ciphertexts: [{ deviceId: 'd-1', body: 'aGVsbG8=' }] }
  const sent = await parse(Message, await world.post(ann, conversation.id, { envelope }))
  for (const user of [ann, ben])
    expect(await parse(Message, await world.ask(user, 'GET', `/api/v1/messages/${sent.id}`))).toEqual(sent)
  expect(sent).toMatchObject({ envelope, text: null })
})

test('400 for no UUID, 401 without a token, 404 for a stranger and for nothing', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'ours')
  await expectProblem(world.ask(ann, 'GET', '/api/v1/messages/x'), 400)
  await expectProblem(world.ask(undefined, 'GET', `/api/v1/messages/${sent.id}`), 401)
  await expectProblem(world.ask(await world.createUser(), 'GET', `/api/v1/messages/${sent.id}`), 404)
  await expectProblem(world.ask(ann, 'GET', `/api/v1/messages/${newId()}`), 404)
})
