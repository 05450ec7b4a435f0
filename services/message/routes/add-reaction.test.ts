import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import type { TestUser } from '@plaza/kit/testing'
import { messageReacted } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const react = (user: TestUser | undefined, id: string, emoji: string) =>
  world.ask(user, 'PUT', `/api/v1/messages/${id}/reactions/${encodeURIComponent(emoji)}`)

test('each person reacts once with an emoji, and both are told', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  await parse(Message, await react(ben, sent.id, '👩🏽‍🚀'))
  await parse(Message, await react(ann, sent.id, '👩🏽‍🚀'))
  const reacted = await parse(Message, await react(ann, sent.id, '❤️'))
  expect(reacted.revision).toBe(4)
  expect(reacted.reactions).toEqual([
    { emoji: '👩🏽‍🚀', userIds: [ben.id, ann.id] },
    { emoji: '❤️', userIds: [ann.id] },
  ])
  expect(await parse(Message, await react(ann, sent.id, '❤️'))).toEqual(reacted)
  expect(await world.db`select from reactions where message_id = ${sent.id}`).toHaveLength(3)
  const event = await world.eventOf(messageReacted, conversation.id, 4)
  expect(event.data).toEqual(reacted)
})

test('400 for anything but one emoji', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  for (const emoji of ['a', '👍👍', '👍 ', '<b>', '1', '🏽'.repeat(30)])
    await expectProblem(react(ann, sent.id, emoji), 400)
})

test('401 without a token, 404 for a stranger', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  await expectProblem(react(undefined, sent.id, '👍'), 401)
  await expectProblem(react(await world.createUser(), sent.id, '👍'), 404)
  await expectProblem(react(ann, newId(), '👍'), 404)
})

test('403 not_accepting for a blocked person', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ben, conversation.id, 'hello')
  await world.relate(ben, ann, { blocked: true }, 1)
  await expectProblem(react(ann, sent.id, '👍'), 403, 'not_accepting')
})

test('409 for a deleted message, and beyond twenty different emojis', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'hello')
  const emojis = [...'😀😃😄😁😆😅😂🙂🙃😉😊😇😍😘😗😚😙😋😛😜']
  for (const emoji of emojis) expect((await react(ann, sent.id, emoji)).status).toBe(200)
  await expectProblem(react(ann, sent.id, '👍'), 409, 'too_many_reactions')
  await world.ask(ann, 'DELETE', `/api/v1/messages/${sent.id}`)
  await expectProblem(react(ann, sent.id, '👍'), 409, 'message_deleted')
})
