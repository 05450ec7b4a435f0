import { expect, test } from 'bun:test'
import { toRow } from '@plaza/kit/outbox'
import { eventually } from '@plaza/kit/testing'
import { messageDeleted, messageEdited } from '@plaza/message/events'
import { Message } from '@plaza/message/schema'
import { createdEvent } from '@plaza/message/testing'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps, nats, redis } = world

test('no text of a deleted message is left in a mailbox, and the frames about it keep their places', async () => {
  const user = await deps.createUser()
  const created = createdEvent([user.id], 'first secret')
  const message = Message.parse(created.event.data)
  const { id, conversationId: subject } = message
  const change = { id: undefined, subject, recipients: [user.id] }
  const edited = { ...message, text: 'second secret', revision: 2 }
  const deleted = { ...message, text: null, revision: 3, deletedAt: new Date().toISOString() }
  await nats.publish(toRow(created))
  await nats.publish(toRow(messageEdited.emit({ ...change, version: 2, data: edited })))
  await world.publish([user.id], 'another')
  await nats.publish(toRow(messageDeleted.emit({ ...change, version: 3, data: deleted })))
  await eventually(async () => {
    const place = await world.place(user)
    expect(place.n).toBe(4)
    const entries = await redis.xrange(`relay:{${user.id}}`, '-', '+')
    expect(entries.map(([n]) => n)).toEqual(['2-0', '3-0', '4-0'])
    expect(JSON.stringify(entries)).not.toContain('secret')
    expect(JSON.stringify(entries)).toContain(id)
  })
})
