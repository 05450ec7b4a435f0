import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { messageCreated } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('a message is stored with its event, which reaches both people as it was answered', async () => {
  const { ann, ben, conversation } = await world.pair()
  const text = 'Straße "quoted" \u001f \\ back\nnew line 👩‍👩‍👧 \u2028 $1 %s'
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

test('an encrypted message is stored as it came', async () => {
  const { ann, conversation } = await world.pair()
  const envelope = { algorithm: 'x3dh', ciphertexts: [{ deviceId: 'd-1', body: 'A'.repeat(200_000) }] }
  const sent = await parse(Message, await world.post(ann, conversation.id, { envelope }))
  expect(sent).toMatchObject({ text: null, envelope })
  const [row] = await world.db`select text, envelope from messages where id = ${sent.id}`
  expect(row).toEqual({ text: null, envelope: JSON.stringify(envelope) })
})

test('a reply names a message of the same conversation, else 404', async () => {
  const { ann, ben, conversation } = await world.pair()
  const foreign = await world.pair()
  const first = await world.send(ann, conversation.id, 'question')
  const reply = await world.post(ben, conversation.id, { text: 'answer', replyToId: first.id })
  expect(await parse(Message, reply)).toMatchObject({ seq: 2, replyToId: first.id })
  const elsewhere = await world.send(foreign.ann, foreign.conversation.id, 'elsewhere')
  for (const replyToId of [elsewhere.id, newId()])
    await expectProblem(world.post(ben, conversation.id, { text: 'x', replyToId }), 404, 'reply_not_found')
  expect((await world.send(ann, conversation.id, 'next')).seq).toBe(3)
})

test('400 for what no message can hold, and nothing is stored', async () => {
  const { ann, conversation } = await world.pair()
  const ciphertexts = [{ deviceId: 'd', body: 'AAAA' }]
  const bad: object[] = [
    {},
    { text: '' },
    { text: ' \n ' },
    { text: '\u200b\u3164' },
    { text: 'a\0b' },
    { text: '\ud800' },
    { text: 'x'.repeat(16_384) },
    { text: 7 },
    { text: 'both', envelope: { algorithm: 'a', ciphertexts } },
    { envelope: { algorithm: 'a', ciphertexts: [] } },
    { envelope: { algorithm: 'a\0', ciphertexts } },
    { envelope: { algorithm: 'a', ciphertexts: [{ deviceId: 'd', body: 'not base64!' }] } },
    { envelope: { algorithm: 'a', ciphertexts: [{ deviceId: 'd', body: 'A'.repeat(262_144) }] } },
    { text: 'x', replyToId: 'no uuid' },
  ]
  for (const body of bad) await expectProblem(world.post(ann, conversation.id, body), 400)
  await expectProblem(world.post(ann, conversation.id, { text: 'x' }, 'k'.repeat(129)), 400)
  await expectProblem(world.ask(ann, 'POST', '/api/v1/conversations/no-uuid/messages', { text: 'x' }), 400)
  expect(await world.db`select from messages where conversation_id = ${conversation.id}`).toHaveLength(0)
  expect((await world.post(ann, conversation.id, { text: '￿'.repeat(16_383) })).status).toBe(201)
})

test('401 without a token, 404 for a stranger and for nothing', async () => {
  const { conversation } = await world.pair()
  const stranger = await world.createUser()
  const target = (id: string) => `/api/v1/conversations/${id}/messages`
  await expectProblem(world.ask(undefined, 'POST', target(conversation.id), { text: 'x' }), 401)
  await expectProblem(world.post(stranger, conversation.id, { text: 'x' }), 404)
  await expectProblem(world.post(stranger, newId(), { text: 'x' }), 404)
})
