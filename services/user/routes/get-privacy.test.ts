import { expect, test } from 'bun:test'
import { Privacy } from '../schema.ts'
import { startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

test('someone who never set anything may be written to by all and shows presence to contacts', async () => {
  const anna = await world.createPerson()
  const answer = await anna.api.api.v1.me.privacy.$get()
  expect(answer.status).toBe(200)
  expect(Privacy.parse(await answer.json())).toEqual({
    whoMayWrite: 'everyone',
    whoSeesPresence: 'contacts',
    sendDeliveryReceipts: true,
    sendReadReceipts: true,
    version: 0,
  })
})

test('nobody reads settings without a token, nor with one of an account that is gone', async () => {
  expect((await world.anonymous.api.v1.me.privacy.$get()).status).toBe(401)
  const anna = await world.createPerson()
  world.accounts.delete(anna.id)
  expect((await anna.api.api.v1.me.privacy.$get()).status).toBe(401)
})
