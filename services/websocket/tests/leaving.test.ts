import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { revocationStream } from '@plaza/kit/revocation'
import { eventually } from '@plaza/kit/testing'
import { createTicket, startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path, { RESUME_SECONDS: '2' })
const { deps } = world

test('a node that stops sends its sockets elsewhere, spread over time, and nothing is missed', async () => {
  const message = await world.startMessage()
  const [first, second] = [await world.addNode(), await world.addNode()]
  const users = await Promise.all(Array.from({ length: 20 }, () => deps.createUser()))
  const [ada, bob] = users
  if (!ada || !bob) throw new Error('nobody is there')
  const conversationId = await message.converse(ada, bob)
  const sockets = await Promise.all(users.map((user) => world.open(user, { at: first })))
  await world.publish(
    users.map((user) => user.id),
    3,
  )
  for (const socket of sockets) await eventually(() => expect(textsOf(socket)).toEqual(['0', '1', '2']))
  sockets[0]?.say({ type: 'send', ref: 'last', key: newId(), conversationId, text: 'in flight' })
  const startedAt = performance.now()
  const drained = first.running.drain?.()
  const ends = await Promise.all(
    sockets.map(async (socket) => ({ ...(await socket.closed), at: performance.now() - startedAt })),
  )
  await drained
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([4503]))
  expect(Math.max(...ends.map(({ at }) => at)) - Math.min(...ends.map(({ at }) => at))).toBeGreaterThan(500)
  for (const socket of sockets) {
    expect(socket.one('resume').withinMs).toBeLessThanOrEqual(2_000)
  }
  expect(sockets[0]?.all('sent')).toHaveLength(1)
  await expect(createTicket(first, ada).then((ticket) => open(first.port, ticket))).rejects.toThrow('503')
  const texts = await world.publish(
    users.map((user) => user.id),
    2,
    { from: 3 },
  )
  for (const [index, user] of users.entries()) {
    const socket = await world.open(user, { at: second, cursor: sockets[index]?.cursor ?? '' })
    await eventually(() => expect(textsOf(socket).filter((text) => text !== 'in flight')).toEqual(texts))
  }
})

async function open(port: number, ticket: string): Promise<never> {
  const headers = { connection: 'Upgrade', upgrade: 'websocket' }
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/ws?ticket=${ticket}`, { headers })
  throw new Error(String(answer.status))
}

test('who is being let in when the node begins to close is sent elsewhere, too', async () => {
  const node = await world.addNode()
  const ticket = await createTicket(node, await deps.createUser())
  const { revocations } = await node.host.identity('websocket')
  await world.nats.jsm.streams.delete(revocationStream)
  await eventually(() => expect(revocations.isFresh()).toBe(false))
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<Response>()]
  node.host.local.set('auth', () => {
    asked.resolve()
    return answer.promise
  })
  const opening = open(node.port, ticket)
  await asked.promise
  const drained = node.running.drain?.()
  answer.resolve(Response.json({ revoked: false }))
  await expect(opening).rejects.toThrow('503')
  await drained
})
