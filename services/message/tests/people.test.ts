import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { ProblemBody as Problem } from '@plaza/kit/problem'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem } from './_world.ts'

const world = await createWorld(import.meta.path)

test('a block and a privacy setting refuse a send with the very same answer', async () => {
  const { ann, ben, conversation } = await world.pair()
  const answers: unknown[] = []
  const refused = async () => {
    const response = await world.post(ann, conversation.id, { text: 'hello' })
    const { requestId: _, ...body } = Problem.parse(await response.json())
    answers.push({ status: response.status, body, headers: [...response.headers.keys()].sort() })
  }
  await world.relate(ben, ann, { blocked: true }, 1)
  await refused()
  await world.relate(ben, ann, {}, 2)
  await world.setPrivacy(ben, { whoMayWrite: 'nobody' }, 1)
  await refused()
  await world.setPrivacy(ben, { whoMayWrite: 'contacts' }, 2)
  await refused()
  expect(answers[0]).toMatchObject({ status: 403, body: { reason: 'not_accepting' } })
  expect(answers[1]).toEqual(answers[0])
  expect(answers[2]).toEqual(answers[0])
  await world.relate(ben, ann, { contact: true }, 3)
  expect((await world.send(ann, conversation.id, 'friend')).seq).toBe(1)
  expect((await world.send(ben, conversation.id, 'hello')).seq).toBe(2)
})

test('a late relation or setting of a lower version changes nothing', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.relate(ben, ann, { blocked: true }, 5)
  await world.relate(ben, ann, { blocked: false }, 4)
  await expectProblem(world.post(ann, conversation.id, { text: 'hello' }), 403, 'not_accepting')
})

test('a send that waits while the block commits is refused: the block holds from its own commit on', async () => {
  const { ann, conversation } = await world.pair()
  const release = await world.holdLock(conversation.id, async (tx) => {
    await tx`update conversations set high_accepts = false, low_accepts = false where id = ${conversation.id}`
  })
  const sending = world.post(ann, conversation.id, { text: 'too late' })
  await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
  await release()
  await expectProblem(sending, 403, 'not_accepting')
})

test('an answered block lets nothing through while the blocked one keeps sending', async () => {
  const { ann, ben, conversation } = await world.pair()
  let blockedAt = Number.POSITIVE_INFINITY
  const outcomes: { startedAt: number; status: number }[] = []
  const sending = Array.from({ length: 8 }, async () => {
    while (outcomes.filter(({ startedAt }) => startedAt > blockedAt).length < 40) {
      const startedAt = performance.now()
      outcomes.push({ startedAt, status: (await world.post(ann, conversation.id, { text: newId() })).status })
    }
  })
  while (outcomes.length < 20) await Bun.sleep(1)
  await world.relate(ben, ann, { blocked: true }, 1)
  blockedAt = performance.now()
  await Promise.all(sending)
  const [{ seq } = { seq: 0 }] = await world.db`select seq from conversations where id = ${conversation.id}`
  expect(outcomes.filter(({ status }) => status === 201)).toHaveLength(seq)
  const after = outcomes.filter(({ startedAt }) => startedAt > blockedAt)
  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([403]))
})

test('a conversation opened with somebody who does not accept tells them nothing and cannot be written to', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  await world.relate(ben, ann, { blocked: true }, 1)
  const conversation = await world.open(ann, ben)
  await expectProblem(world.post(ann, conversation.id, { text: 'hello' }), 403, 'not_accepting')
  const [event] =
    await world.db`select recipients from outbox where subject = ${`evt.conversation.created.${conversation.id}`}`
  expect(event?.recipients).toBe(ann.id)
  expect(await (await world.ask(ben, 'GET', '/api/v1/conversations')).json()).toEqual({
    items: [],
    nextCursor: null,
  })
})
