import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { conversationCreated } from '../events.ts'
import { Conversation } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const most = 5
const world = await createWorld(import.meta.path, { MAX_OPENED_PER_DAY: String(most) })
const target = '/api/v1/conversations'

test('two people have one conversation, whoever opens it, and both are told of it', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  const first = await world.ask(ann, 'POST', target, { userId: ben.id })
  expect(first.status).toBe(201)
  const conversation = await parse(Conversation, first)
  expect(conversation).toMatchObject({
    kind: 'direct',
    seq: 0,
    unread: 0,
    lastMessage: null,
    peer: { userId: ben.id },
  })
  const again = await world.ask(ben, 'POST', target, { userId: ann.id.toUpperCase() })
  expect(again.status).toBe(200)
  expect((await parse(Conversation, again)).id).toBe(conversation.id)
  expect(await world.db`select from conversations where id = ${conversation.id}`).toHaveLength(1)
  const event = await world.eventOf(conversationCreated, conversation.id)
  expect(event.data).toEqual({
    id: conversation.id,
    memberIds: [ann.id, ben.id].sort(),
    createdAt: conversation.createdAt,
  })
})

test('both open it at once, many times: one is made', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      world.ask(n % 2 ? ann : ben, 'POST', target, { userId: n % 2 ? ben.id : ann.id }),
    ),
  )
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  const ids = await Promise.all(answers.map(async (answer) => (await parse(Conversation, answer)).id))
  expect(new Set(ids).size).toBe(1)
})

test('a setting that changes while a conversation is being opened holds in it', async () => {
  for (let round = 0; round < 10; round += 1) {
    const [ann, ben] = [await world.createUser(), await world.createUser()]
    const [conversation] = await Promise.all([
      world.open(ann, ben),
      world.setPrivacy(ben, { whoMayWrite: 'nobody' }, 1),
    ])
    await expectProblem(world.post(ann, conversation.id, { text: 'hello' }), 403, 'not_accepting')
  }
})

test('one person opens so many a day, all at once too; what is open stays so, and others open theirs', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  const peers = Array.from({ length: most + 3 }, () => newId())
  const open = (userId: string) => world.ask(ann, 'POST', target, { userId })
  const answers = await Promise.all(peers.map(open))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(most)
  for (const answer of answers.filter(({ status }) => status !== 201))
    await expectProblem(answer, 429, 'too_many_opened')
  const known = peers.find((_, index) => answers[index]?.status === 201) ?? ''
  expect((await open(known)).status).toBe(200)
  await world.open(ben, ann)
  await world.db`
    update conversations
    set created_at = now() - interval '25 hours'
    where opened_by = ${ann.id} and ${known}::uuid in (low_user_id, high_user_id)`
  expect((await open(newId())).status).toBe(201)
  await expectProblem(open(newId()), 429, 'too_many_opened')
})

test('400 with oneself or nonsense, 401 without a token, 404 for nobody', async () => {
  const ann = await world.createUser()
  await expectProblem(world.ask(ann, 'POST', target, { userId: ann.id }), 400, 'oneself')
  await expectProblem(world.ask(ann, 'POST', target, { userId: 'x' }), 400)
  await expectProblem(world.ask(undefined, 'POST', target, { userId: newId() }), 401)
  const nobody = newId()
  world.forget(nobody)
  await expectProblem(world.ask(ann, 'POST', target, { userId: nobody }), 404)
})
