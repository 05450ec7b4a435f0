import { expect, test } from 'bun:test'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { privacyChanged } from '@plaza/user/events'
import { createWorld } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

const setting = (user: TestUser, version: number, whoMayWrite: 'everyone' | 'nobody') =>
  privacyChanged.emit({
    subject: user.id,
    version,
    data: {
      userId: user.id,
      whoMayWrite,
      whoSeesPresence: 'nobody',
      sendDeliveryReceipts: false,
      sendReadReceipts: true,
      version,
    },
  })

test('settings that only the event tells of are taken over once, and a late one is not', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.publish(setting(ben, 2, 'nobody'))
  await world.publish(setting(ben, 1, 'everyone'))
  await world.publish(setting(ann, 1, 'nobody'))
  await eventually(async () => {
    expect((await world.post(ben, conversation.id, { text: 'hello' })).status).toBe(403)
  })
  expect((await world.post(ann, conversation.id, { text: 'hello' })).status).toBe(403)
  const [row] = await world.db`select * from privacy where user_id = ${ben.id}`
  expect(row).toMatchObject({ whoMayWrite: 'nobody', sendDeliveryReceipts: false, version: 2 })
})
