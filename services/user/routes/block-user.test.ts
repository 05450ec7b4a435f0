import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const block = (person: Person, userId: string) =>
  person.api.api.v1.blocks[':userId'].$put({ param: { userId } })
const pair = async () => [await world.createPerson(), await world.createPerson()] as const

test('a block is told to message before the answer, and its event to the blocker alone', async () => {
  const [anna, ben] = await pair()
  expect((await block(anna, ben.id)).status).toBe(204)
  expect(world.toldOf(anna, ben)).toEqual([
    { ownerId: anna.id, otherId: ben.id, blocked: true, contact: false, version: 1 },
  ])
  expect(await world.viewOf(anna, ben)).toEqual({ state: 'none', blocked: true, version: 1 })
  const [event] = await world.eventsOf('block.added', anna.id)
  expect(event).toMatchObject({
    version: 1,
    actor: anna.id,
    data: { userId: anna.id, otherId: ben.id, state: 'none', blocked: true, version: 1 },
  })
  expect(await world.recipientsOf('block.added', anna.id)).toEqual([anna.id])
  expect(await world.viewOf(ben, anna)).toBeUndefined()
})

test("blocking a contact ends the contact in the blocker's view, in two events of rising version", async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  await block(anna, ben.id)
  expect(await world.viewOf(anna, ben)).toEqual({ state: 'none', blocked: true, version: 4 })
  const [removed] = await world.eventsOf('contact.removed', anna.id)
  const [added] = await world.eventsOf('block.added', anna.id)
  expect([removed?.version, added?.version]).toEqual([3, 4])
  expect(removed?.data).toMatchObject({ state: 'none', blocked: true })
})

test('with message away it is unavailable, is stored and announced all the same, and a repeat tells message', async () => {
  const [anna, ben] = await pair()
  world.message.status = 503
  const away = await block(anna, ben.id)
  world.message.status = 204
  expect<number>(away.status).toBe(503)
  await world.eventsOf('block.added', anna.id)
  expect(world.toldOf(anna, ben)).toHaveLength(0)
  expect((await block(anna, ben.id)).status).toBe(204)
  expect(world.toldOf(anna, ben)).toMatchObject([{ blocked: true, version: 1 }])
  expect(await world.eventsOf('block.added', anna.id)).toHaveLength(1)
})

test('nobody can be their own, a nobody cannot be blocked, and a token is needed', async () => {
  const [anna, ben] = await pair()
  expect<number>((await block(anna, anna.id)).status).toBe(400)
  expect<number>((await block(anna, 'ben')).status).toBe(400)
  expect<number>((await block(anna, newId())).status).toBe(404)
  expect<number>((await block({ ...anna, api: world.anonymous }, ben.id)).status).toBe(401)
})
