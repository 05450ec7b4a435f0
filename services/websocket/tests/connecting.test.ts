import { expect, setSystemTime, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { ProblemBody } from '@plaza/kit/problem'
import { heartbeatSubject, revocationStream, tokensRevoked } from '@plaza/kit/revocation'
import { ensureStream } from '@plaza/kit/stream'
import { eventually } from '@plaza/kit/testing'
import { TestSocket } from './_socket.ts'
import { createTicket, startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path, {
  ALLOWED_ORIGINS: 'https://plaza.example',
  HELLO_SECONDS: '1',
  SOCKETS_PER_USER: '3',
})
const { deps, node } = world

async function upgrade(query: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`http://127.0.0.1:${node.port}/api/v1/ws${query}`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  })
  const body = ProblemBody.safeParse(await answer.json().catch(() => undefined))
  return { status: answer.status, reason: body.data?.reason, code: body.data?.code }
}

test('a ticket opens one socket', async () => {
  const ada = await deps.createUser()
  const ticket = await createTicket(node, ada)
  const url = `ws://127.0.0.1:${node.port}/api/v1/ws?ticket=${ticket}`
  const first = new WebSocket(url)
  await new Promise((resolve) => first.addEventListener('open', resolve))
  expect(await upgrade(`?ticket=${ticket}`)).toMatchObject({ status: 401, reason: 'ticket_invalid' })
  first.close()
})

test('of many who use a ticket at once only one gets in', async () => {
  const ticket = await createTicket(node, await deps.createUser())
  const sockets = Array.from(
    { length: 10 },
    () => new WebSocket(`ws://127.0.0.1:${node.port}/api/v1/ws?ticket=${ticket}`),
  )
  const opened = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<boolean>((resolve) => {
          socket.addEventListener('open', () => resolve(true))
          socket.addEventListener('error', () => resolve(false))
        }),
    ),
  )
  expect(opened.filter(Boolean)).toHaveLength(1)
  for (const socket of sockets) socket.close()
})

test('without a good ticket, or from a strange page, nobody gets in', async () => {
  expect(await upgrade('?ticket=made-up')).toMatchObject({ status: 401 })
  expect(await upgrade('')).toMatchObject({ status: 400 })
  const ticket = await createTicket(node, await deps.createUser())
  expect(await upgrade(`?ticket=${ticket}`, { origin: 'https://elsewhere.example' })).toMatchObject({
    status: 403,
    reason: 'origin_not_allowed',
  })
  expect(await upgrade(`?ticket=${ticket}`, { upgrade: 'h2c' })).toMatchObject({ status: 400 })
  const ask = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${node.port}/api/v1/ws/ticket`, { method: 'POST', headers })
  expect((await ask({})).status).toBe(401)
  expect((await ask(await deps.serviceHeaders('message'))).status).toBe(401)
})

test('a ticket of a session that has ended meanwhile is refused', async () => {
  const ada = await deps.createUser()
  const ticket = await createTicket(node, ada)
  await world.revoke('session', ada.sessionId)
  await eventually(async () => {
    const other = await deps.createUser({ sessionId: ada.sessionId })
    await expect(createTicket(node, other)).rejects.toThrow('401')
  })
  expect(await upgrade(`?ticket=${ticket}`)).toMatchObject({ status: 401, reason: 'revoked' })
})

test('a revoked session loses its sockets, and no other does', async () => {
  const [ada, other] = [await deps.createUser(), await deps.createUser()]
  const second = await deps.createUser({ id: ada.id })
  const sockets = await Promise.all([ada, second, other].map((user) => world.open(user)))
  await world.revoke('session', ada.sessionId)
  expect(await sockets[0]?.closed).toMatchObject({ code: 4401 })
  await world.publish([ada.id, other.id], 1)
  for (const socket of sockets.slice(1)) await eventually(() => expect(socket.all('event')).toHaveLength(1))
  await world.revoke('user', ada.id)
  expect(await sockets[1]?.closed).toMatchObject({ code: 4401 })
  await world.publish([other.id], 1)
  await eventually(() => expect(sockets[2]?.all('event')).toHaveLength(2))
})

test('a node that could not hear of revocations for longer than they are kept has its sockets connect anew', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const heartbeats = world.nats.connection.subscribe(heartbeatSubject, { max: 2 })
  // As if nothing had been heard since a quarter of an hour ago.
  setSystemTime(Date.now() - 15 * 60_000)
  for await (const _ of heartbeats);
  setSystemTime()
  expect(await socket.closed).toMatchObject({ code: 4503 })
  await world.open(ada)
})

test('a session that ends while auth is asked about it keeps no socket', async () => {
  const ada = await deps.createUser()
  const ticket = await createTicket(node, ada)
  const { revocations } = await deps.host.identity('websocket')
  await world.nats.jsm.streams.delete(revocationStream)
  await eventually(() => expect(revocations.isFresh()).toBe(false))
  const auth = deps.host.local.get('auth')
  deps.host.local.set('auth', () => {
    revocations.apply({ scope: 'session', id: ada.sessionId, notBefore: Date.now() / 1_000 })
    return Response.json({ revoked: false })
  })
  const socket = new TestSocket(`ws://127.0.0.1:${node.port}/api/v1/ws?ticket=${ticket}`)
  expect(await socket.closed).toMatchObject({ code: 4401 })
  if (auth) deps.host.local.set('auth', auth)
  await ensureStream(world.nats, {
    name: revocationStream,
    subjects: [heartbeatSubject, `evt.${tokensRevoked.type}.*`],
  })
  await eventually(() => expect(revocations.isFresh()).toBe(true))
})

test('a socket that does not say hello is closed', async () => {
  const socket = await world.connect(await deps.createUser())
  expect(await socket.closed).toMatchObject({ code: 4408 })
})

test('nobody opens more sockets than are allowed', async () => {
  const ada = await deps.createUser()
  await Promise.all([world.open(ada), world.open(ada), world.open(ada)])
  const ticket = await createTicket(node, ada)
  expect(await upgrade(`?ticket=${ticket}`)).toMatchObject({ status: 429, reason: 'too_many_sockets' })
})

test('a cursor that is not known begins with a gap that names what to repair', async () => {
  const message = await world.startMessage()
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  const conversationId = await message.converse(ada, bob)
  await message.call(ada, 'POST', `/api/v1/conversations/${conversationId}/messages`, { text: 'one' })
  await eventually(async () => expect(await deps.host.redis().xlen(`relay:{${bob.id}}`)).toBe(2))
  for (const cursor of ['nonsense', '1.elsewhere-3']) {
    const socket = await world.open(bob, { cursor })
    const gap = await eventually(() => socket.one('gap'))
    expect(socket.one('ready')).toMatchObject({ resumed: false, cursor: gap.cursor })
    expect(gap).toMatchObject({
      reason: 'epoch',
      // User does not run here, so nobody can say how far the contacts are.
      scopes: { conversations: [{ id: conversationId, seq: 1, revision: 1 }], more: false, contacts: null },
    })
    await eventually(() => expect(textsOf(socket)).toEqual(['one']))
    socket.close()
    await socket.closed
  }
})

/** Has a mailbox say that its frames up to a place are gone. */
const forgetUpTo = (place: number, userId: string) =>
  deps.host.redis().eval(
    `local epoch, n, _, bytes, day = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'box'))
    redis.call('HSET', KEYS[1], 'box', cmsgpack.pack(epoch, n, tonumber(ARGV[1]), bytes, day))`,
    1,
    `relay:{${userId}}:meta`,
    place,
  )

test('a cursor ahead of the mailbox, and one behind what it holds, find a gap', async () => {
  const ada = await deps.createUser()
  const first = await world.open(ada)
  await world.publish([ada.id], 3)
  await eventually(() => expect(first.all('event')).toHaveLength(3))
  const [epoch] = first.cursor.split('-')
  const ahead = await world.open(ada, { cursor: `${epoch}-9` })
  expect(await eventually(() => ahead.one('gap'))).toMatchObject({ reason: 'ahead' })
  await forgetUpTo(2, ada.id)
  ahead.close()
  await ahead.closed
  const behind = await world.open(ada, { cursor: `${epoch}-1` })
  expect(await eventually(() => behind.one('gap'))).toMatchObject({ reason: 'trimmed', cursor: `${epoch}-2` })
  await eventually(() => expect(textsOf(behind)).toEqual(['2']))
})

test('with Redis away sockets stay open and resume after it, and a ticket is answered with 503', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const texts = await world.publish([ada.id], 2)
  await eventually(() => expect(textsOf(socket)).toEqual(texts))
  await deps.parts.redis.kill()
  await expect(createTicket(node, ada)).rejects.toThrow('503')
  expect(await upgrade(`?ticket=${newId()}`)).toMatchObject({ status: 503, code: 'unavailable' })
  socket.say({ type: 'ping' })
  await eventually(() => socket.one('pong'))
  const late = world.publish([ada.id], 2, { from: 2 })
  await deps.parts.redis.restart()
  await late
  await eventually(() => expect(textsOf(socket)).toEqual(['0', '1', '2', '3']), 30_000)
})

test('with mailboxes lost while sockets are open, each is told of the gap and then gets what follows', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  await world.publish([ada.id], 2)
  await eventually(() => expect(socket.all('event')).toHaveLength(2))
  await deps.host.redis().flushall()
  const gap = await eventually(() => socket.one('gap'))
  expect(gap.reason).toBe('epoch')
  await world.publish([ada.id], 1, { from: 2 })
  await eventually(() => expect(textsOf(socket).at(-1)).toBe('2'))
  expect(socket.cursor.split('-')[0]).toBe(gap.cursor.split('-')[0])
})
