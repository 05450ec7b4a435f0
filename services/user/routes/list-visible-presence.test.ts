import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

async function visible(viewer: Person, ...others: { id: string }[]): Promise<string[]> {
  const json = { viewerId: viewer.id, userIds: others.map(({ id }) => id) }
  const answer = await world.service.internal.v1.presence.visible.$post({ json })
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
  return (await answer.json()).userIds
}
const show = (person: Person, whoSeesPresence: 'everyone' | 'contacts' | 'nobody') =>
  person.api.api.v1.me.privacy.$put({
    json: { whoMayWrite: 'everyone', whoSeesPresence, sendDeliveryReceipts: true, sendReadReceipts: true },
  })
const block = (person: Person, userId: string) =>
  person.api.api.v1.blocks[':userId'].$put({ param: { userId } })
const pair = async () => [await world.createPerson(), await world.createPerson()] as const

test('presence is seen by contacts, by everyone or by nobody, as its owner has set', async () => {
  const [anna, ben] = await pair()
  await show(anna, 'contacts')
  expect(await visible(ben, anna)).toEqual([])
  await world.connect(anna, ben)
  expect(await visible(ben, anna)).toEqual([anna.id])
  await show(anna, 'nobody')
  expect(await visible(ben, anna)).toEqual([])
  const stranger = await world.createPerson()
  await show(anna, 'everyone')
  expect(await visible(stranger, anna)).toEqual([anna.id])
})

test('a request is not enough, from either side', async () => {
  const [anna, ben] = await pair()
  await anna.api.api.v1.contacts.$post({ header: {}, json: { userId: ben.id } })
  expect(await visible(ben, anna)).toEqual([])
  expect(await visible(anna, ben)).toEqual([])
})

test('a block hides presence both ways, from contacts as from everyone', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  await show(anna, 'everyone')
  await show(ben, 'everyone')
  await block(anna, ben.id)
  expect(await visible(ben, anna)).toEqual([])
  expect(await visible(anna, ben)).toEqual([])
})

test('someone unknown or deleted is left out as someone hidden is, and oneself is seen', async () => {
  const [anna, ben] = await pair()
  await show(anna, 'everyone')
  await show(ben, 'nobody')
  expect(await visible(ben, anna, { id: newId() }, ben)).toEqual(expect.arrayContaining([anna.id, ben.id]))
  await world.publish(world.deleted(anna.id))
  await eventually(async () => expect(await visible(ben, anna)).toEqual([]))
})

test('only services ask, and for 200 at most', async () => {
  const [anna] = await pair()
  const json = { viewerId: anna.id, userIds: [anna.id] }
  const ask = (body: object, headers: Record<string, string>) =>
    fetch(`${world.url}/internal/v1/presence/visible`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await ask(json, anna.headers)).status).toBe(401)
  expect((await ask(json, {})).status).toBe(401)
  const service = await world.deps.serviceHeaders('websocket')
  expect((await ask({ ...json, userIds: Array.from({ length: 201 }, newId) }, service)).status).toBe(400)
})
