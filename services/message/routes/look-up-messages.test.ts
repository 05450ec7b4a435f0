import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { z } from 'zod'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('a user is answered those messages that they may see, in their order', async () => {
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

test('only services may call it', async () => {
  await expectProblem(
    world.ask(await world.createUser(), 'POST', '/internal/v1/messages/lookup', { userId: newId(), ids: [] }),
    401,
  )
})
