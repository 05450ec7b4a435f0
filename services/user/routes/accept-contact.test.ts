import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { Contact } from '../schema.ts'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const accept = (person: Person, userId: string) =>
  person.api.api.v1.contacts[':userId'].accept.$post({ param: { userId } })

async function asked(): Promise<[Person, Person]> {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await anna.api.api.v1.contacts.$post({ header: {}, json: { userId: ben.id } })
  return [anna, ben]
}

test('an accepted request makes both contacts, told to both and to message before the answer', async () => {
  const [anna, ben] = await asked()
  const answer = await accept(ben, anna.id)
  expect(answer.status).toBe(200)
  expect(Contact.parse(await answer.json())).toMatchObject({ person: { userId: anna.id }, state: 'accepted' })
  expect(world.toldOf(anna, ben)).toMatchObject([{ contact: true, blocked: false, version: 2 }])
  expect(world.toldOf(ben, anna)).toMatchObject([{ contact: true, blocked: false, version: 2 }])
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'accepted', version: 2 })
  expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'accepted', version: 2 })
  const [told] = await world.eventsOf('contact.accepted', anna.id)
  expect(told).toMatchObject({ actor: ben.id, data: { userId: anna.id, otherId: ben.id, state: 'accepted' } })
  expect(await world.recipientsOf('contact.accepted', anna.id)).toEqual([anna.id])
})

test('with message away it is unavailable, and accepting again tells message and nobody twice', async () => {
  const [anna, ben] = await asked()
  world.message.status = 500
  const away = await accept(ben, anna.id)
  world.message.status = 204
  expect<number>(away.status).toBe(503)
  expect((await accept(ben, anna.id)).status).toBe(200)
  expect(world.toldOf(ben, anna)).toHaveLength(1)
  expect(await world.eventsOf('contact.accepted', anna.id)).toHaveLength(1)
})

test('nobody accepts what was not asked, their own request, or without a token', async () => {
  const [anna, ben] = await asked()
  const cleo = await world.createPerson()
  expect<number>((await accept(anna, ben.id)).status).toBe(404)
  expect<number>((await accept(cleo, anna.id)).status).toBe(404)
  expect<number>((await accept(ben, newId())).status).toBe(404)
  expect<number>((await accept(ben, 'anna')).status).toBe(400)
  expect<number>((await accept({ ...ben, api: world.anonymous }, anna.id)).status).toBe(401)
  expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'incoming' })
})
