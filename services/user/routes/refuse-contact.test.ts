import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const refuse = (person: Person, userId: string) =>
  person.api.api.v1.contacts[':userId'].refuse.$post({ param: { userId } })
const ask = (person: Person, userId: string) =>
  person.api.api.v1.contacts.$post({ header: {}, json: { userId } })

async function asked(): Promise<[Person, Person]> {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await ask(anna, ben.id)
  return [anna, ben]
}

test('a refused request is gone for who was asked, and looks unanswered to who asked', async () => {
  const [anna, ben] = await asked()
  const before = await world.viewOf(anna, ben)
  expect((await refuse(ben, anna.id)).status).toBe(204)
  expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'none', version: 2 })
  expect(await world.viewOf(anna, ben)).toEqual(before)
  const [event] = await world.eventsOf('contact.refused', ben.id)
  expect(event?.data).toEqual({ userId: ben.id, otherId: anna.id, state: 'none', blocked: false, version: 2 })
  expect(await world.recipientsOf('contact.refused', ben.id)).toEqual([ben.id])
  expect(await world.recipientsOf('contact.refused', anna.id)).toEqual([])
})

test('refusing again changes nothing, and asking again does not press who refused', async () => {
  const [anna, ben] = await asked()
  await refuse(ben, anna.id)
  expect((await refuse(ben, anna.id)).status).toBe(204)
  expect((await ask(anna, ben.id)).status).toBe(200)
  expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'none', version: 2 })
})

test('who refused may still ask, and both are contacts then', async () => {
  const [anna, ben] = await asked()
  await refuse(ben, anna.id)
  expect((await ask(ben, anna.id)).status).toBe(201)
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'accepted' })
  expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'accepted' })
})

test("a contact, a request of one's own, and nothing at all cannot be refused", async () => {
  const [anna, ben] = await asked()
  expect<number>((await refuse(anna, ben.id)).status).toBe(404)
  expect<number>((await refuse(ben, newId())).status).toBe(404)
  expect<number>((await refuse(ben, 'anna')).status).toBe(400)
  expect<number>((await refuse({ ...ben, api: world.anonymous }, anna.id)).status).toBe(401)
  await ask(ben, anna.id)
  expect<number>((await refuse(ben, anna.id)).status).toBe(409)
})
