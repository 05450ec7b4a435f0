import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const target = '/api/v1/conversations/unread'

test('unread messages are counted over all conversations, up to a thousand of each', async () => {
  const ann = await world.createUser()
  const [ben, cleo] = [await world.createUser(), await world.createUser()]
  const [one, two] = [await world.open(ann, ben), await world.open(ann, cleo)]
  await world.open(ann, await world.createUser())
  await world.send(ben, one.id, 'hello')
  await world.send(ann, one.id, 'my own')
  await Promise.all(Array.from({ length: 1_005 }, (_, n) => world.send(cleo, two.id, `text ${n}`)))
  expect(await (await world.ask(ann, 'GET', target)).json()).toEqual({ messages: 1_001, conversations: 2 })
  expect(await (await world.ask(ben, 'GET', target)).json()).toEqual({ messages: 1, conversations: 1 })
})

test('401 without a token', () => expectProblem(world.ask(undefined, 'GET', target), 401))
