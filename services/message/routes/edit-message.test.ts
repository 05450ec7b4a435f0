import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { messageEdited } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path, { EDIT_WINDOW_SECONDS: '3600' })
const target = (id: string) => `/api/v1/messages/${id}`

test('an edit changes the row, counts a revision and tells both people', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'helo')
  const edited = await parse(Message, await world.ask(ann, 'PATCH', target(sent.id), { text: 'hello' }))
  expect(edited).toMatchObject({
    id: sent.id,
    seq: 1,
    revision: 2,
    text: 'hello',
    editedAt: expect.any(String),
  })
  const [row] = await world.db`select text, revision from messages where id = ${sent.id}`
  expect(row).toEqual({ text: 'hello', revision: 2 })
  const event = await world.eventOf(messageEdited, conversation.id)
  expect(event).toMatchObject({ version: 2, actor: ann.id, data: edited })
})

test('an edit to the same text changes nothing', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'same')
  const edited = await parse(Message, await world.ask(ann, 'PATCH', target(sent.id), { text: 'same' }))
  expect(edited).toEqual(sent)
})

test('the key of an edited message still answers its first content', async () => {
  const { ann, conversation } = await world.pair()
  const key = newId()
  const sent = await world.send(ann, conversation.id, 'first', key)
  await world.ask(ann, 'PATCH', target(sent.id), { text: 'second' })
  expect(await world.send(ann, conversation.id, 'first', key)).toMatchObject({ id: sent.id, text: 'second' })
})

test('400 for content of neither or both kinds, or of the other kind', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'plain')
  const envelope = { algorithm: 'x', ciphertexts: [{ deviceId: 'd', body: 'AAAA' }] }
  for (const body of [{}, { text: '' }, { text: 'a\0' }, { text: 'a', envelope }, { envelope }])
    await expectProblem(world.ask(ann, 'PATCH', target(sent.id), body), 400)
})

test('401 without a token', () =>
  expectProblem(world.ask(undefined, 'PATCH', target(newId()), { text: 'x' }), 401))

test('403 for the other one, 404 for a stranger', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'mine')
  await expectProblem(world.ask(ben, 'PATCH', target(sent.id), { text: 'x' }), 403, 'not_sender')
  await expectProblem(world.ask(await world.createUser(), 'PATCH', target(sent.id), { text: 'x' }), 404)
})

test('403 once the window is over', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'old')
  await world.db`update messages set created_at = now() - interval '2 hours' where id = ${sent.id}`
  await expectProblem(world.ask(ann, 'PATCH', target(sent.id), { text: 'x' }), 403, 'window_over')
})

test('403 not_accepting for a blocked person, who could else write by editing', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'before')
  await world.relate(ben, ann, { blocked: true }, 1)
  await expectProblem(world.ask(ann, 'PATCH', target(sent.id), { text: 'x' }), 403, 'not_accepting')
})

test('409 for a deleted message', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'gone')
  await world.ask(ann, 'DELETE', target(sent.id))
  await expectProblem(world.ask(ann, 'PATCH', target(sent.id), { text: 'x' }), 409, 'message_deleted')
})
