import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { messageCreated } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('a message is stored with its event, which reaches both people as it was answered', async () => {
  const { ann, ben, conversation } = await world.pair()
  const text = 'Straße "quoted" \\ back\nnew line 👩‍👩‍👧 \u2028 $1 %s'
  const message = await parse(Message, await world.post(ann, conversation.id, { text }))
  expect(message).toMatchObject({
    conversationId: conversation.id,
    seq: 1,
    revision: 1,
    senderId: ann.id,
    text,
  })
  const [row] = await world.db`select text, seq, revision from messages where id = ${message.id}`
  expect(row).toEqual({ text, seq: 1, revision: 1 })
  const [stored] =
    await world.db`select id, body, recipients from outbox where subject = ${`evt.message.created.${conversation.id}`}`
  expect(stored?.recipients.split(',').sort()).toEqual([ann.id, ben.id].sort())
  const event = await eventually(async () => {
    const found = (await world.events('MESSAGE')).find(({ id }) => id === stored?.id)
    expect(found).toBeDefined()
    return found
  })
  expect(event).toEqual(JSON.parse(stored?.body))
  expect(event).toMatchObject({ version: 1, actor: ann.id, subject: conversation.id })
  if (event) expect(messageCreated.parse(event).data).toEqual(message)
})
