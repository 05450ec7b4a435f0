import { expect, test } from 'bun:test'
import { toRow } from '@plaza/kit/outbox'
import { eventually } from '@plaza/kit/testing'
import { messageDeleted, messageEdited } from '@plaza/message/events'
import { Message } from '@plaza/message/schema'
import { createdEvent } from '@plaza/message/testing'
import { runScript } from '../script.ts'
import { sizeScript } from '../scripts.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps, nats, redis } = world

const durable = 'relay-deliver-message'

/** The events of a message from its beginning to its end. */
const lifeOf = (userId: string) => {
  const created = createdEvent([userId], 'first secret')
  const message = Message.parse(created.event.data)
  const change = { id: undefined, subject: message.conversationId, recipients: [userId] }
  const edited = { ...message, text: 'second secret', revision: 2 }
  const deleted = { ...message, text: null, revision: 3, deletedAt: new Date().toISOString() }
  return {
    id: message.id,
    created: toRow(created),
    edited: toRow(messageEdited.emit({ ...change, version: 2, data: edited })),
    deleted: toRow(messageDeleted.emit({ ...change, version: 3, data: deleted })),
  }
}

const entriesOf = (userId: string) => redis.xrange(`relay:{${userId}}`, '-', '+')

test('no text of a deleted message is left in a mailbox, and the frames about it keep their places', async () => {
  const user = await deps.createUser()
  const { id, created, edited, deleted } = lifeOf(user.id)
  await nats.publish(created)
  await nats.publish(edited)
  await world.publish([user.id], 'another')
  await nats.publish(deleted)
  await eventually(async () => {
    expect((await world.place(user)).n).toBe(4)
    const entries = await entriesOf(user.id)
    expect(entries.map(([n]) => n)).toEqual(['2-0', '3-0', '4-0'])
    expect(JSON.stringify(entries)).not.toContain('secret')
    expect(JSON.stringify(entries)).toContain(id)
  })
})

test('a deleted message does not come back when its events come again', async () => {
  const user = await deps.createUser()
  const { created, deleted } = lifeOf(user.id)
  for (const [index, event] of [created, deleted].entries()) {
    await nats.publish(event)
    await eventually(async () => expect((await world.place(user)).n).toBe(index + 1))
  }
  // What the durable had acknowledged is forgotten with it.
  await nats.jsm.consumers.delete('MESSAGE', durable)
  await eventually(async () => {
    const { num_pending, num_ack_pending } = await nats.jsm.consumers.info('MESSAGE', durable)
    expect([num_pending, num_ack_pending]).toEqual([0, 0])
  })
  expect((await entriesOf(user.id)).map(([n]) => n)).toEqual(['2-0'])
  expect((await world.place(user)).n).toBe(2)
})

test('a message that comes after its deletion stays away, and the mailbox counts its bytes right', async () => {
  const user = await deps.createUser()
  const { created, deleted } = lifeOf(user.id)
  await nats.publish(deleted)
  await nats.publish(created)
  await world.publish([user.id], 'another')
  await eventually(async () => expect((await world.place(user)).n).toBe(2))
  const entries = await entriesOf(user.id)
  expect(JSON.stringify(entries)).not.toContain('secret')
  const kept = entries.reduce((sum, [, fields]) => sum + Buffer.byteLength(fields[1] ?? ''), 0)
  expect(await runScript(redis, sizeScript, [`relay:{${user.id}}:meta`], [])).toBe(kept)
})
