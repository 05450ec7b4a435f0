import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const block = (person: Person, userId: string) =>
  person.api.api.v1.blocks[':userId'].$put({ param: { userId } })
const unblock = (person: Person, userId: string) =>
  person.api.api.v1.blocks[':userId'].$delete({ param: { userId } })
const pair = async () => [await world.createPerson(), await world.createPerson()] as const

test('an ended block is told to message and to the own devices, and brings no contact back', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  await block(anna, ben.id)
  expect((await unblock(anna, ben.id)).status).toBe(204)
  expect(world.toldOf(anna, ben).at(-1)).toMatchObject({ blocked: false, contact: false, version: 5 })
  expect(await world.viewOf(anna, ben)).toEqual({ state: 'none', blocked: false, version: 5 })
  const [event] = await world.eventsOf('block.removed', anna.id)
  expect(event).toMatchObject({ version: 5, data: { userId: anna.id, otherId: ben.id, blocked: false } })
  expect(await world.recipientsOf('block.removed', anna.id)).toEqual([anna.id])
})

test('with message away it is unavailable, and a repeat tells message and changes nothing', async () => {
  const [anna, ben] = await pair()
  await block(anna, ben.id)
  world.message.status = 503
  const away = await unblock(anna, ben.id)
  world.message.status = 204
  expect<number>(away.status).toBe(503)
  expect((await unblock(anna, ben.id)).status).toBe(204)
  expect(world.toldOf(anna, ben).at(-1)).toMatchObject({ blocked: false, version: 2 })
  expect(await world.eventsOf('block.removed', anna.id)).toHaveLength(1)
})

test('strangers, broken ids and callers without a token end no block', async () => {
  const [anna, ben] = await pair()
  await block(anna, ben.id)
  expect<number>((await unblock(ben, anna.id)).status).toBe(404)
  expect<number>((await unblock(anna, newId())).status).toBe(404)
  expect<number>((await unblock(anna, 'ben')).status).toBe(400)
  expect<number>((await unblock({ ...anna, api: world.anonymous }, ben.id)).status).toBe(401)
  expect(await world.viewOf(anna, ben)).toMatchObject({ blocked: true })
})
