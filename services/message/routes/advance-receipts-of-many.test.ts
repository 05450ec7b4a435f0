import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const target = '/internal/v1/receipts/batch'

test('each receipt is answered by itself', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.send(ann, conversation.id, 'hello')
  const stranger = await world.createUser()
  const itemOf = (user: typeof ann, readSeq: number) => ({
    userId: user.id,
    sessionId: user.sessionId,
    issuedAt: Date.now() / 1_000,
    conversationId: conversation.id,
    readSeq,
  })
  const items = [itemOf(ben, 1), itemOf(stranger, 1), itemOf(ben, -1)]
  expect(await (await world.askAs('websocket', 'POST', target, { items })).json()).toMatchObject({
    results: [{ receipt: { readSeq: 1 } }, { problem: { status: 404 } }, { problem: { status: 400 } }],
  })
})

test('a session that has ended moves nothing, and only services may call', async () => {
  const { ann, conversation } = await world.pair()
  const { revocations } = await world.host.identity('message')
  revocations.apply({ scope: 'session', id: ann.sessionId, notBefore: Date.now() / 1_000 })
  const item = {
    userId: ann.id,
    sessionId: ann.sessionId,
    issuedAt: Date.now() / 1_000,
    conversationId: conversation.id,
    readSeq: 0,
  }
  expect(await (await world.askAs('websocket', 'POST', target, { items: [item] })).json()).toMatchObject({
    results: [{ problem: { status: 401, reason: 'revoked' } }],
  })
  await expectProblem(world.ask(await world.createUser(), 'POST', target, { items: [] }), 401)
})
