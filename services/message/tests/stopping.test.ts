import { expect, test } from 'bun:test'
import { userDeleted } from '@plaza/auth/events'
import { eventually } from '@plaza/kit/testing'
import { createWorld } from './_world.ts'

const world = await createWorld(import.meta.path)

test('a stop waits for the page that is just being emptied, and leaves the rest to the next start', async () => {
  const { ann, conversation } = await world.pair()
  await Promise.all(Array.from({ length: 450 }, (_, n) => world.send(ann, conversation.id, `text ${n}`)))
  const stopped = await world.db.begin(async (tx) => {
    await tx`select from messages where conversation_id = ${conversation.id} for update`
    const data = { userId: ann.id, deletedAt: new Date().toISOString() }
    await world.publish(userDeleted.emit({ subject: ann.id, data }))
    await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
    return { stop: world.service.stop() }
  })
  await stopped.stop
  const emptied = await world.db`
    select from messages
    where conversation_id = ${conversation.id} and deleted_at is not null`
  expect(emptied).toHaveLength(200)
})
