import { expect, test } from 'bun:test'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { blockAdded, blockRemoved, contactAccepted } from '@plaza/user/events'
import { createWorld } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

const relation = (owner: TestUser, other: TestUser, version: number, blocked: boolean) => ({
  subject: owner.id,
  version,
  data: { userId: owner.id, otherId: other.id, state: 'none' as const, blocked, version },
})
const statusOf = async (sender: TestUser, conversationId: string) =>
  (await world.post(sender, conversationId, { text: 'hello' })).status
const becomes = (sender: TestUser, conversationId: string, status: number) =>
  eventually(async () => expect(await statusOf(sender, conversationId)).toBe(status))

test('a block that only the event tells of takes effect, twice as once, and so does its end', async () => {
  const { ann, ben, conversation } = await world.pair()
  const added = blockAdded.emit(relation(ben, ann, 1, true))
  await world.publish(added)
  await world.publish({ ...added, event: { ...added.event, id: Bun.randomUUIDv7() } })
  await becomes(ann, conversation.id, 403)
  await world.publish(blockRemoved.emit(relation(ben, ann, 2, false)))
  await becomes(ann, conversation.id, 201)
})

test('events out of order end in the latest state', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.publish(blockRemoved.emit(relation(ben, ann, 2, false)))
  await world.publish(blockAdded.emit(relation(ben, ann, 1, true)))
  await world.publish(blockAdded.emit(relation(ann, ben, 1, true)))
  await becomes(ben, conversation.id, 403)
  expect(await statusOf(ann, conversation.id)).toBe(201)
})

test('an accepted contact may write to somebody who takes messages from contacts only', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.setPrivacy(ben, { whoMayWrite: 'contacts' }, 1)
  expect(await statusOf(ann, conversation.id)).toBe(403)
  const accepted = relation(ben, ann, 1, false)
  await world.publish(contactAccepted.emit({ ...accepted, data: { ...accepted.data, state: 'accepted' } }))
  await becomes(ann, conversation.id, 201)
})

test('a malformed event holds up none of those after it', async () => {
  const { ann, ben, conversation } = await world.pair()
  const poison = blockAdded.emit(relation(ben, ann, 1, true))
  await world.publish({ ...poison, event: { ...poison.event, data: { nonsense: true } } })
  await world.publish(blockAdded.emit(relation(ben, ann, 1, true)))
  await becomes(ann, conversation.id, 403)
})
