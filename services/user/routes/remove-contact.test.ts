import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const remove = (person: Person, userId: string) =>
  person.api.api.v1.contacts[':userId'].$delete({ param: { userId } })
const ask = (person: Person, userId: string) =>
  person.api.api.v1.contacts.$post({ header: {}, json: { userId } })
const pair = async () => [await world.createPerson(), await world.createPerson()] as const

test('a removed contact is gone on both sides, told to both and to message before the answer', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  expect((await remove(anna, ben.id)).status).toBe(204)
  expect(world.toldOf(anna, ben).at(-1)).toMatchObject({ contact: false, blocked: false, version: 3 })
  expect(world.toldOf(ben, anna).at(-1)).toMatchObject({ contact: false, blocked: false, version: 3 })
  expect(await world.viewOf(anna, ben)).toEqual({ state: 'none', blocked: false, version: 3 })
  expect(await world.viewOf(ben, anna)).toEqual({ state: 'none', blocked: false, version: 3 })
  await world.eventsOf('contact.removed', anna.id)
  const [event] = await world.eventsOf('contact.removed', ben.id)
  expect(event).toMatchObject({ version: 3, data: { userId: ben.id, otherId: anna.id, state: 'none' } })
})

test('a withdrawn request is gone for both', async () => {
  const [anna, ben] = await pair()
  await ask(anna, ben.id)
  expect((await remove(anna, ben.id)).status).toBe(204)
  expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'none', version: 2 })
  await world.eventsOf('contact.removed', ben.id)
})

test('removing who asked refuses, and they are not told', async () => {
  const [anna, ben] = await pair()
  await ask(anna, ben.id)
  expect((await remove(ben, anna.id)).status).toBe(204)
  await world.eventsOf('contact.refused', ben.id)
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'outgoing', version: 1 })
})

test('with message away it is unavailable, and removing again tells message and changes nothing', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  world.message.status = 503
  const away = await remove(anna, ben.id)
  world.message.status = 204
  expect<number>(away.status).toBe(503)
  expect((await remove(anna, ben.id)).status).toBe(204)
  expect(world.toldOf(anna, ben).at(-1)).toMatchObject({ contact: false, version: 3 })
  expect(await world.eventsOf('contact.removed', ben.id)).toHaveLength(1)
})

test('strangers, broken ids and callers without a token remove nothing', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  const cleo = await world.createPerson()
  expect<number>((await remove(cleo, anna.id)).status).toBe(404)
  expect<number>((await remove(anna, newId())).status).toBe(404)
  expect<number>((await remove(anna, 'ben')).status).toBe(400)
  expect<number>((await remove({ ...anna, api: world.anonymous }, ben.id)).status).toBe(401)
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'accepted' })
})
