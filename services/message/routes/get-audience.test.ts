import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('the other one hears of a user only while they accept, and a stranger is told nothing', async () => {
  const { ann, ben, conversation } = await world.pair()
  const target = (userId: string) => `/internal/v1/conversations/${conversation.id}/audience?userId=${userId}`
  const audience = async () => (await world.askAs('websocket', 'GET', target(ann.id))).json()
  expect(await audience()).toEqual({ userIds: [ben.id] })
  await world.relate(ben, ann, { blocked: true }, 1)
  expect(await audience()).toEqual({ userIds: [] })
  await expectProblem(world.askAs('websocket', 'GET', target(newId())), 404)
})

test('only services may call it', async () => {
  await expectProblem(
    world.ask(
      await world.createUser(),
      'GET',
      `/internal/v1/conversations/${newId()}/audience?userId=${newId()}`,
    ),
    401,
  )
})
