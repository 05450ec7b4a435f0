import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { toRow } from '@plaza/kit/outbox'
import { eventually } from '@plaza/kit/testing'
import { messageCreated, receiptAdvanced } from '@plaza/message/events'
import { blockAdded } from '@plaza/user/events'
import { startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps } = world
const message = await world.startMessage()

async function pair() {
  const [ada, bob] = await Promise.all([deps.createUser(), deps.createUser()])
  return { ada, bob, conversationId: await message.converse(ada, bob) }
}

test('a message sent by socket is answered when it is stored, and reaches the other person and the other device', async () => {
  const { ada, bob, conversationId } = await pair()
  const [from, alsoAda, to] = await Promise.all([world.open(ada), world.open(ada), world.open(bob)])
  from.say({ type: 'send', ref: 'a', key: newId(), conversationId, text: 'hello' })
  const sent = await eventually(() => from.one('sent'))
  expect(sent).toMatchObject({
    ref: 'a',
    message: { conversationId, senderId: ada.id, text: 'hello', seq: 1 },
  })
  await eventually(() => expect(textsOf(to)).toEqual(['hello']))
  const found = await message.call(ada, 'GET', `/api/v1/messages/${sent.message.id}`)
  expect(await found.json()).toEqual(sent.message)
  await eventually(() => expect(textsOf(alsoAda)).toEqual(['hello']))
})

test('a trace that comes with a send goes with the event to the other person', async () => {
  const { ada, bob, conversationId } = await pair()
  const [from, to] = await Promise.all([world.open(ada), world.open(bob)])
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  from.say({ type: 'send', ref: 'a', key: newId(), conversationId, text: 'hello', traceparent })
  await eventually(() => expect(to.one('event').event).toMatchObject({ actor: ada.id, traceparent }))
})

test('what a socket was told of by its answer does not come again, and the rest follows in order', async () => {
  const { ada, bob, conversationId } = await pair()
  const [from, to] = await Promise.all([world.open(ada), world.open(bob)])
  for (const [index, [socket, text]] of (
    [
      [from, 'mine'],
      [to, 'yours'],
      [from, 'mine again'],
    ] as const
  ).entries()) {
    socket.say({ type: 'send', ref: `${index}`, key: newId(), conversationId, text })
    await eventually(() => expect([...textsOf(from), ...textsOf(to)]).toHaveLength(index + 1))
  }
  expect(textsOf(from)).toEqual(['yours'])
  expect(textsOf(to)).toEqual(['mine', 'mine again'])
  // From the cursor that it was shown last, the mailbox brings it.
  const back = await world.open(ada, { cursor: from.cursor })
  await eventually(() => expect(textsOf(back)).toEqual(['mine again']))
})

test('the same key sent fifty times is one message, answered each time', async () => {
  const { ada, conversationId } = await pair()
  const from = await world.open(ada)
  const key = newId()
  for (let ref = 0; ref < 50; ref += 1)
    from.say({ type: 'send', ref: String(ref), key, conversationId, text: 'once' })
  await eventually(() => expect(from.all('sent')).toHaveLength(50))
  expect(new Set(from.all('sent').map((frame) => frame.message.id)).size).toBe(1)
  const answer = await message.call(ada, 'GET', `/api/v1/conversations/${conversationId}/messages`)
  expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(1)
})

test('a send that is not allowed is answered with the problem that REST gives', async () => {
  const { conversationId } = await pair()
  const eve = await world.open(await deps.createUser())
  eve.say({ type: 'send', ref: 'x', key: newId(), conversationId, text: 'hi' })
  const { ref, problem } = await eventually(() => eve.one('error'))
  expect({ ref, code: problem.code }).toEqual({ ref: 'x', code: 'not_found' })
})

test('a batch that is too large for one call goes in several', async () => {
  const { ada, conversationId } = await pair()
  const from = await world.open(ada)
  for (let ref = 0; ref < 40; ref += 1)
    from.say({ type: 'send', ref: String(ref), key: newId(), conversationId, text: 'ä'.repeat(16_000) })
  await eventually(() => expect(from.all('sent').length + from.all('error').length).toBe(40))
  expect(from.all('sent').length).toBeGreaterThan(20)
  for (const { problem } of from.all('error')) expect(problem.reason).toBe('over_budget')
})

test('a conversation keeps its order in a batch of several calls, also when the first of them fails', async () => {
  const { ada, conversationId } = await pair()
  const from = await world.open(ada)
  const real = deps.host.local.get('message')
  if (!real) throw new Error('message does not run')
  const gate = Promise.withResolvers<void>()
  let calls = 0
  deps.host.local.set('message', async (request) => {
    if (!request.url.endsWith('/messages/batch')) return await real(request)
    calls += 1
    if (calls === 1) await gate.promise
    if (calls !== 2) return await real(request)
    await Bun.sleep(100)
    return new Response('gone', { status: 502 })
  })
  const refs = Array.from({ length: 21 }, (_, index) => String(index))
  for (const ref of refs)
    from.say({ type: 'send', ref, key: newId(), conversationId, text: 'ä'.repeat(16_000) })
  from.say({ type: 'ping' })
  // All but the first are one batch now.
  await eventually(() => from.one('pong'))
  gate.resolve()
  await eventually(() => expect(from.all('sent')).toHaveLength(refs.length))
  deps.host.local.set('message', real)
  expect(calls).toBeGreaterThan(3)
  const inOrder = from.all('sent').toSorted((a, b) => a.message.seq - b.message.seq)
  expect(inOrder.map(({ ref }) => ref)).toEqual(refs)
})

test('a batch whose call failed is sent again and stores each message once', async () => {
  const { ada, bob, conversationId } = await pair()
  const [from, to] = await Promise.all([world.open(ada), world.open(bob)])
  const real = deps.host.local.get('message')
  if (!real) throw new Error('message does not run')
  let calls = 0
  deps.host.local.set('message', async (request) => {
    const answer = await real(request)
    if (request.url.endsWith('/messages/batch')) calls += 1
    return calls < 3 ? new Response('gone', { status: 502 }) : answer
  })
  from.say({ type: 'send', ref: 'a', key: newId(), conversationId, text: 'kept' })
  await eventually(() => expect(from.all('sent').map((frame) => frame.message.text)).toEqual(['kept']))
  deps.host.local.set('message', real)
  expect(calls).toBe(3)
  await eventually(() => expect(textsOf(to)).toEqual(['kept']))
})

test('receipts are gathered, and reach the sender', async () => {
  const { ada, bob, conversationId } = await pair()
  const [from, to] = await Promise.all([world.open(ada), world.open(bob)])
  for (let ref = 0; ref < 3; ref += 1)
    from.say({ type: 'send', ref: String(ref), key: newId(), conversationId, text: `${ref}` })
  await eventually(() => expect(textsOf(to)).toHaveLength(3))
  for (const seq of [1, 2, 3]) to.say({ type: 'receipt', conversationId, deliveredSeq: seq })
  to.say({ type: 'receipt', conversationId, readSeq: 2 })
  await eventually(() => {
    const events = from.all('event').filter(({ event }) => event.type === receiptAdvanced.type)
    expect(events.at(-1)?.event.data).toMatchObject({ userId: bob.id, deliveredSeq: 3, readSeq: 2 })
    expect(events.length).toBeLessThan(4)
  })
})

test('a long message is kept as a pointer and arrives whole, as it is by then', async () => {
  const { ada, bob, conversationId } = await pair()
  const from = await world.open(ada)
  const { cursor } = await world.open(bob)
  const text = `${'long '.repeat(400)}end`
  const keys = [newId(), newId()]
  for (const [index, key] of keys.entries())
    from.say({ type: 'send', ref: String(index), key, conversationId, text: text + index })
  await eventually(() => expect(from.all('sent')).toHaveLength(2))
  const [first, second] = from.all('sent').map((frame) => frame.message)
  const stored = await eventually(async () => {
    const entries = await deps.host.redis().xrange(`relay:{${bob.id}}`, '-', '+')
    expect(entries.length).toBeGreaterThanOrEqual(2)
    return entries.flatMap(([, fields]) => fields[1] ?? [])
  })
  expect(stored.filter((entry) => entry.startsWith('P'))).toHaveLength(2)
  expect(stored.join('')).not.toContain('long long')
  await message.call(ada, 'PATCH', `/api/v1/messages/${first?.id}`, { text: 'short now' })
  const back = await world.open(bob, { cursor })
  await eventually(() => expect(textsOf(back)).toEqual(['short now', `${text}1`]))
  const [event] = back.all('event').filter((frame) => frame.event.type === messageCreated.type)
  expect(event?.event).toMatchObject({
    version: 3,
    subject: conversationId,
    data: { id: first?.id, revision: 3 },
  })
  expect(second?.revision).toBe(2)
})

test('who writes is shown to the other person and ends by itself', async () => {
  const { ada, bob, conversationId } = await pair()
  const [from, to] = await Promise.all([world.open(ada), world.open(bob)])
  from.say({ type: 'typing', conversationId })
  await eventually(() =>
    expect(to.one('typing')).toMatchObject({ userId: ada.id, active: true, conversationId }),
  )
  from.close()
  await eventually(() => expect(to.one('typing').active).toBe(false))
  expect(from.all('typing')).toEqual([])
})

test('a block ends at once that somebody is shown as typing, and keeps them from being shown again', async () => {
  const { ada, bob, conversationId } = await pair()
  const cleo = await deps.createUser()
  const [from, again, to, witness] = await Promise.all([ada, ada, bob, cleo].map((user) => world.open(user)))
  if (!from || !again || !to || !witness) throw new Error('four sockets')
  const ofAda = () => to.all('typing').flatMap(({ userId, active }) => (userId === ada.id ? [active] : []))
  from.say({ type: 'typing', conversationId })
  await eventually(() => expect(ofAda()).toEqual([true]))
  await message.block(bob, ada)
  const data = { userId: bob.id, otherId: ada.id, state: 'none' as const, blocked: true, version: 1 }
  await world.nats.publish(toRow(blockAdded.emit({ subject: bob.id, data, recipients: [bob.id] })))
  await eventually(() => expect(ofAda()).toEqual([true, false]))
  again.say({ type: 'typing', conversationId })
  witness.say({ type: 'typing', conversationId: await message.converse(cleo, bob) })
  await eventually(() => expect(to.one('typing')).toMatchObject({ userId: cleo.id }))
  expect(ofAda()).toEqual([true, false])
})
