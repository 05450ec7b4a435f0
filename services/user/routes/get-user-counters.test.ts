import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)
const counters = (api: typeof world.service, userId: string) =>
  api.internal.v1.users[':userId'].counters.$get({ param: { userId } })

test("the counter follows the person's own changes, and is 0 for someone just registered", async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  expect(await (await counters(world.service, anna.id)).json()).toEqual({ contacts: 0 })
  await world.connect(anna, ben)
  expect(await (await counters(world.service, anna.id)).json()).toEqual({ contacts: 2 })
})

test('somebody deleted has none, and only services ask', async () => {
  const anna = await world.createPerson()
  expect((await counters(world.service, 'x')).status).toBe(400)
  expect((await counters(anna.api, anna.id)).status).toBe(401)
  expect((await counters(world.anonymous, newId())).status).toBe(401)
  await world.publish(world.deleted(anna.id))
  await eventually(async () => expect((await counters(world.service, anna.id)).status).toBe(404))
})
