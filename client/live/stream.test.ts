import { expect, spyOn, test } from 'bun:test'
import type { PlazaClient } from '../client.ts'
import * as pausing from '../pause.ts'
import { memoryStorage } from '../storage.ts'
import {
  clientOf,
  eventFrame,
  eventually,
  message,
  ready,
  refusal,
  type Socket,
  scriptServer,
} from '../testing.ts'
import type { ServerFrame } from '../wire.ts'

const created = (n: number, seq: number, revision = seq) =>
  eventFrame(n, 'message.created', message(seq, revision))

const contact = (n: number, version: number) =>
  eventFrame(n, 'contact.accepted', { otherId: `u${version}`, state: 'accepted', blocked: false, version })

const gapOfContacts = (contacts: number): ServerFrame => ({
  type: 'gap',
  cursor: 'f-0',
  reason: 'trimmed',
  scopes: { conversations: [], more: false, contacts },
})

/** What the server answers who asks for the contacts that changed, up to the newest of them. */
const contactChanges = (versions: number[], url: URL) => {
  const after = Number(url.searchParams.get('after'))
  const items = versions.map((version) => ({
    userId: `u${version}`,
    state: 'accepted',
    blocked: false,
    version,
  }))
  return { items: items.filter(({ version }) => version > after), version: versions.at(-1), more: false }
}

const conversation = { id: 'c', memberIds: ['me', 'other'], createdAt: 'now' }

const gapOfAll: ServerFrame = {
  type: 'gap',
  cursor: 'f-0',
  reason: 'epoch',
  scopes: { conversations: null, more: true, contacts: 0 },
}

/** What a client is told of messages, as `kind seq text`. */
function toldTo(client: PlazaClient): string[] {
  const told: string[] = []
  for (const kind of ['message', 'edited', 'deleted', 'reaction'] as const)
    client.on(kind, ({ seq, text }) => told.push(`${kind} ${seq} ${text}`))
  return told
}

test('after a drop the client resumes from what it was told last, and nothing comes twice', async () => {
  const server = scriptServer()
  const { script } = server
  const frames: ServerFrame[] = [created(1, 1), created(2, 2)]
  script.hello = (socket) => {
    const from = Number(socket.cursor?.slice(2) ?? 0)
    socket.send(ready(`e-${from}`, from > 0))
    for (const frame of frames.slice(from)) socket.send(frame)
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  await eventually(() => expect(told).toHaveLength(2))
  frames.push(created(3, 3))
  script.sockets[0]?.close(1011)
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 2 2', 'message 3 3']))
  expect(script.sockets[1]?.cursor).toBe('e-2')
})

test('a device that starts again goes on from where it was', async () => {
  const server = scriptServer()
  const { script } = server
  const storage = memoryStorage()
  const first = await clientOf(server, { storage })
  const told = toldTo(first)
  await first.connect()
  script.sockets[0]?.send(created(1, 1))
  await eventually(() => expect(told).toHaveLength(1))
  await first.close()
  const second = await clientOf(server, { storage })
  const toldAgain = toldTo(second)
  await second.connect()
  expect(script.sockets[1]?.cursor).toBe('e-1')
  script.sockets[1]?.send(created(2, 2))
  await eventually(() => expect(toldAgain).toEqual(['message 2 2']))
})

test('asked to resume elsewhere, the client moves in that time and is never offline', async () => {
  const server = scriptServer()
  const { script } = server
  const client = await clientOf(server)
  const states: string[] = []
  client.on('state', ({ state }) => states.push(state))
  await client.connect()
  script.sockets[0]?.send({ type: 'resume', withinMs: 300 })
  await eventually(() => expect(script.sockets).toHaveLength(2))
  expect(states).toEqual(['connecting', 'live'])
})

test('a message of its own is told once: by the answer, and not again by the event that a resume brings', async () => {
  const server = scriptServer()
  const { script } = server
  script.onFrame = (socket, frame) => {
    if (frame.type === 'send') socket.send({ type: 'sent', ref: frame.ref, message: message(2) })
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  script.sockets[0]?.send(created(1, 1))
  await client.send('c', '2')
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 2 2']))
  script.hello = (socket) => {
    socket.send(ready('e-1', true))
    for (const frame of [created(2, 2), created(3, 3)]) socket.send(frame)
  }
  script.sockets[0]?.close(1011)
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 2 2', 'message 3 3']))
  expect(script.sockets[1]?.cursor).toBe('e-1')
})

test('a message of its own that waits for another comes again after a drop', async () => {
  const server = scriptServer()
  const { script } = server
  const other = message(1, 1, { id: 'd1', conversationId: 'd', text: 'elsewhere' })
  const elsewhere = eventFrame(3, 'message.created', other)
  const mailbox = [created(1, 1), created(2, 3), elsewhere, created(4, 2)]
  script.hello = (socket) => {
    socket.send(ready(socket.cursor, socket.cursor !== undefined))
    const from = Number(socket.cursor?.slice(2) ?? 0)
    // The first socket is told of its message 3 by the answer, and drops before message 2 comes.
    const first: ServerFrame[] = [created(1, 1), { type: 'sent', ref: 'r', message: message(3) }, elsewhere]
    for (const frame of socket.cursor === undefined ? first : mailbox.slice(from)) socket.send(frame)
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 1 elsewhere']))
  script.sockets[0]?.close(1011)
  await eventually(() => expect(told.slice(2)).toEqual(['message 2 2', 'message 3 3']))
  expect(script.sockets[1]?.cursor).toBe('e-1')
})

test('a message that overtook another waits for it, without a call', async () => {
  const server = scriptServer()
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  for (const frame of [created(1, 1), created(2, 3), created(3, 2)]) server.script.sockets[0]?.send(frame)
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 2 2', 'message 3 3']))
  expect(server.script.calls).not.toContain('GET /api/v1/conversations/c/changes')
})

test('a hole that stays is fetched, and only then acknowledged', async () => {
  const server = scriptServer()
  const { script } = server
  script.routes['GET /api/v1/conversations/c/changes'] = ({ url }) => {
    expect(script.frames.filter((frame) => frame.type === 'ack')).toEqual([])
    const after = Number(url.searchParams.get('after'))
    const items = [message(2), message(3), message(4)].filter(({ revision }) => revision > after)
    return { items, receipts: [], revision: 4, more: false }
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  script.sockets[0]?.send(created(1, 2))
  script.sockets[0]?.send(created(2, 4))
  await eventually(() => expect(told).toEqual(['message 2 2', 'message 3 3', 'message 4 4']))
  await eventually(() => expect(script.frames).toContainEqual({ type: 'ack', cursor: 'e-2' }))
})

test('repeated events and states older than the known one are not told', async () => {
  const server = scriptServer()
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  const edited = (n: number, revision: number, text: string) =>
    eventFrame(n, 'message.edited', message(1, revision, { text, editedAt: 'now' }))
  const frames = [created(1, 1), created(2, 1), edited(3, 4, 'new'), edited(4, 3, 'old'), edited(5, 4, 'new')]
  for (const frame of [...frames, created(6, 2, 5)]) server.script.sockets[0]?.send(frame)
  await eventually(() => expect(told).toEqual(['message 1 1', 'edited 1 new', 'message 2 2']))
})

test('a gap is repaired: what was missed is told once, later events wait for it', async () => {
  const server = scriptServer()
  const { script } = server
  const told: string[] = []
  script.hello = (socket) => {
    if (socket.cursor === undefined) {
      socket.send(ready())
      socket.send(created(1, 1))
      return
    }
    socket.send(ready('f-0'))
    const conversations = [{ id: 'c', seq: 3, revision: 5 }]
    const scopes = { conversations, more: false, contacts: 7 }
    socket.send({ type: 'gap', cursor: 'f-0', reason: 'epoch', scopes })
    socket.send(created(9, 4, 6))
  }
  script.routes['GET /api/v1/conversations/c/changes'] = ({ url }) =>
    Number(url.searchParams.get('after')) < 4
      ? {
          items: [message(1, 3, { text: 'edited', editedAt: 'now' }), message(2)],
          receipts: [],
          revision: 4,
          more: true,
        }
      : { items: [message(3, 5)], receipts: [receipt], revision: 5, more: false }
  const receipt = { userId: 'other', deliveredSeq: 1, readSeq: 1 }
  script.routes['GET /api/v1/contacts/changes'] = () => ({
    items: [{ userId: 'other', person: null, state: 'accepted', blocked: false, version: 7 }],
    version: 7,
    more: false,
  })
  const client = await clientOf(server)
  client.on('receipt', ({ readSeq }) => told.push(`receipt ${readSeq}`))
  client.on('contact', ({ state }) => told.push(`contact ${state}`))
  client.on('repaired', ({ reason }) => told.push(`repaired ${reason}`))
  for (const kind of ['message', 'edited'] as const) client.on(kind, ({ seq }) => told.push(`${kind} ${seq}`))
  await client.connect()
  await eventually(() => expect(told).toEqual(['message 1']))
  script.sockets[0]?.close(1011)
  await eventually(() => expect(told).toContain('message 4'))
  expect(told).toEqual([
    'message 1',
    'edited 1',
    'message 2',
    'message 3',
    'receipt 1',
    'contact accepted',
    'repaired epoch',
    'message 4',
  ])
})

test('what a repair has told is not told again after a restart, however late its event comes', async () => {
  const server = scriptServer()
  const { script } = server
  const all = Array.from({ length: 100 }, (_, index) => message(index + 1))
  script.routes['GET /api/v1/conversations/c/changes'] = ({ url }) => {
    const after = Number(url.searchParams.get('after'))
    return { items: all.slice(after), receipts: [], revision: 100, more: false }
  }
  const storage = memoryStorage()
  const first = await clientOf(server, { storage })
  const told = toldTo(first)
  await first.connect()
  script.sockets[0]?.send(created(1, 100))
  await eventually(() => expect(told).toHaveLength(100))
  await first.close()
  const second = await clientOf(server, { storage })
  const toldAgain = toldTo(second)
  await second.connect()
  for (const frame of [created(2, 1), created(3, 2), created(4, 101)]) script.sockets[1]?.send(frame)
  await eventually(() => expect(toldAgain).toEqual(['message 101 101']))
})

test('what a server delivers again after it has lost its mailboxes is not told again', async () => {
  const server = scriptServer()
  const { script } = server
  const { routes } = script
  routes['GET /api/v1/conversations'] = () => ({
    items: [{ id: 'c', seq: 8, revision: 20 }],
    nextCursor: null,
  })
  routes['GET /api/v1/conversations/c/changes'] = ({ url }) => {
    expect(url.searchParams.get('after')).toBe('20')
    return { items: [message(9, 21), message(10, 22)], receipts: [], revision: 22, more: false }
  }
  const storage = memoryStorage()
  const first = await clientOf(server, { storage })
  const told = toldTo(first)
  await first.connect()
  for (const frame of [contact(1, 40), created(2, 9, 21)]) script.sockets[0]?.send(frame)
  await eventually(() => expect(told).toEqual(['message 9 9']))
  await first.close()
  script.hello = (socket) => {
    socket.send(ready('f-0'))
    const conversations = [{ id: 'c', seq: 10, revision: 22 }]
    const scopes = { conversations, more: false, contacts: 40 }
    socket.send({ type: 'gap', cursor: 'f-0', reason: 'epoch', scopes })
    for (const frame of [contact(1, 24), created(2, 8, 20), created(3, 9, 21), created(4, 10, 22)])
      socket.send(frame)
    for (const frame of [contact(5, 41), created(6, 11, 23)]) socket.send(frame)
  }
  const second = await clientOf(server, { storage })
  const toldAgain = toldTo(second)
  second.on('contact', ({ version }) => toldAgain.push(`contact ${version}`))
  await second.connect()
  await eventually(() => expect(toldAgain).toContain('message 11 11'))
  expect(toldAgain).toEqual(['message 10 10', 'contact 41', 'message 11 11'])
  // Nor after another start, while the server still delivers what it has filled in.
  await second.close()
  script.hello = (socket) => {
    socket.send(ready('f-6', true))
    for (const frame of [created(7, 7, 19), created(8, 12, 24)]) socket.send(frame)
  }
  const third = await clientOf(server, { storage })
  const toldLast = toldTo(third)
  await third.connect()
  await eventually(() => expect(toldLast).toEqual(['message 12 12']))
})

test('a change whose event comes very late is told, whatever a repair has fetched meanwhile', async () => {
  const server = scriptServer()
  const { script } = server
  script.routes['GET /api/v1/conversations/c/changes'] = ({ url }) => {
    const after = Number(url.searchParams.get('after'))
    const items = [message(401, 402), message(402, 403)].filter(({ revision }) => revision > after)
    return { items, receipts: [], revision: 403, more: false }
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  const socket = script.sockets[0]
  socket?.send(created(1, 1))
  for (let seq = 2; seq <= 400; seq += 1) socket?.send(created(seq, seq, seq + 1))
  socket?.send(created(402, 402, 403))
  await eventually(() => expect(told).toHaveLength(402))
  const late = message(1, 2, { text: 'late', editedAt: 'now' })
  socket?.send(eventFrame(403, 'message.edited', late))
  await eventually(() => expect(told.at(-1)).toBe('edited 1 late'))
})

test('a repair that a disconnect came upon tells nothing twice', async () => {
  const server = scriptServer()
  const { script } = server
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  script.routes['GET /api/v1/conversations/c/changes'] = async () => {
    asked.resolve()
    await answered.promise
    return { items: [message(1), message(2)], receipts: [], revision: 2, more: false }
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  script.sockets[0]?.send(created(1, 2))
  await asked.promise
  await client.disconnect()
  await client.connect()
  answered.resolve()
  for (const frame of [created(1, 2), created(2, 1), created(3, 3)]) script.sockets[1]?.send(frame)
  await eventually(() => expect(told).toContain('message 3 3'))
  expect(told).toEqual(['message 1 1', 'message 2 2', 'message 3 3'])
})

for (const lost of ['a gap', 'a hole', 'contacts'])
  test(`after a disconnect nothing is told, though the repair of ${lost} was under way`, async () => {
    const server = scriptServer()
    const { script } = server
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    const slowly = (answer: unknown) => async () => {
      asked.resolve()
      await answered.promise
      return answer
    }
    script.routes['GET /api/v1/conversations/c'] = () => conversation
    const relation = { userId: 'other', person: null, state: 'accepted', blocked: false, version: 1 }
    script.routes['GET /api/v1/contacts/changes'] = slowly({ items: [relation], version: 1, more: false })
    script.routes['GET /api/v1/conversations/c/changes'] = slowly({
      items: [message(1), message(2)],
      receipts: [{ userId: 'other', deliveredSeq: 1, readSeq: 1 }],
      revision: 2,
      more: false,
    })
    const answers: Promise<unknown>[] = []
    const client = await clientOf(server, {
      async fetch(url, init) {
        const answer = fetch(url, init)
        if (url.pathname.endsWith('/changes')) answers.push(answer)
        return await answer
      },
    })
    const told: unknown[] = []
    for (const name of ['event', 'message', 'contact', 'receipt', 'repaired', 'error'] as const)
      client.on(name, (value) => told.push([name, value]))
    await client.connect()
    const conversations = lost === 'contacts' ? [] : [{ id: 'c', seq: 2, revision: 2 }]
    const scopes = { conversations, more: false, contacts: lost === 'contacts' ? 1 : 0 }
    if (lost === 'a hole') script.sockets[0]?.send(created(1, 2))
    else script.sockets[0]?.send({ type: 'gap', cursor: 'f-0', reason: 'epoch', scopes })
    script.sockets[0]?.send(eventFrame(9, 'profile.updated', {}))
    await asked.promise
    await client.disconnect()
    told.length = 0
    answered.resolve()
    await Promise.all(answers)
    // The answers are there; what follows from them does so before the next one of the server.
    await fetch(server.url)
    expect(told).toEqual([])
  })

for (const told of ['by a repair', 'after a hole', 'after a gap', 'of a frame'] as const)
  test(`a listener that disconnects is the last that hears, though more is to be told ${told}`, async () => {
    const server = scriptServer()
    const { script } = server
    script.routes['GET /api/v1/conversations/c'] = () => conversation
    script.routes['GET /api/v1/conversations/c/changes'] = ({ url }) => {
      const after = Number(url.searchParams.get('after'))
      const items = [message(1), message(2), message(3)].filter(({ revision }) => revision > after)
      return { items, receipts: [{ userId: 'other', deliveredSeq: 1, readSeq: 1 }], revision: 3, more: false }
    }
    const client = await clientOf(server)
    const heard: string[] = []
    const all: string[] = []
    const first = told === 'of a frame' ? 'event' : told === 'after a gap' ? 'repaired' : 'message'
    for (const name of ['event', 'message', 'receipt', 'repaired', 'conversation'] as const)
      client.on(name, () => {
        all.push(name)
        if (client.state !== 'live') heard.push(name)
        if (name === first && script.sockets.length === 1) void client.disconnect()
      })
    await client.connect()
    const scopes = { conversations: [{ id: 'c', seq: 3, revision: 3 }], more: false, contacts: 0 }
    const frames: Record<typeof told, ServerFrame[]> = {
      'by a repair': [{ type: 'gap', cursor: 'f-0', reason: 'trimmed', scopes }],
      'after a hole': [created(1, 3), created(2, 2), created(3, 1)],
      'after a gap': [
        { type: 'gap', cursor: 'f-0', reason: 'trimmed', scopes },
        created(4, 4),
        created(5, 5),
      ],
      'of a frame': [created(1, 1)],
    }
    for (const frame of frames[told]) script.sockets[0]?.send(frame)
    await eventually(() => expect(all).toContain(first))
    await fetch(server.url)
    expect(heard).toEqual([])
    // What was not told comes at the next connection.
    const missed = toldTo(client)
    await client.connect()
    const left = told === 'of a frame' ? [1, 2, 3] : told === 'after a gap' ? [4, 5] : [2, 3]
    for (const seq of [1, 2, 3, 4, 5].slice(0, left.at(-1))) script.sockets[1]?.send(created(seq, seq))
    await eventually(() => expect(missed).toEqual(left.map((seq) => `message ${seq} ${seq}`)))
  })

for (const end of ['disconnect', 'close'] as const)
  test(`after a ${end} nothing is told, though the baseline was under way`, async () => {
    const server = scriptServer()
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    const heard = Promise.withResolvers<void>()
    server.script.routes['GET /api/v1/conversations'] = async () => {
      asked.resolve()
      await answered.promise
      return { items: [], nextCursor: null }
    }
    const client = await clientOf(server)
    const told: unknown[] = []
    for (const name of ['event', 'error'] as const) client.on(name, (value) => told.push([name, value]))
    client.on('typing', () => heard.resolve())
    const connected = client.connect()
    await asked.promise
    server.script.sockets[0]?.send(eventFrame(1, 'profile.updated', {}))
    server.script.sockets[0]?.send({ type: 'typing', conversationId: 'c', userId: 'other', active: true })
    await heard.promise
    await client[end]()
    await connected
    answered.resolve()
    await fetch(server.url)
    await fetch(server.url)
    expect(told).toEqual([])
  })

for (const [why, hurt] of [
  ['whose repair fails', (socket: Socket) => socket.send(gapOfAll)],
  ['that the server says was used too much', (socket: Socket) => socket.close(4429)],
  ['that breaks as soon as it is ready', (socket: Socket) => socket.close(1011)],
] as const)
  test(`a socket ${why} is followed by the next one after longer and longer pauses`, async () => {
    const server = scriptServer()
    const { script } = server
    const client = await clientOf(server)
    client.on('error', () => {})
    await client.connect()
    script.routes['GET /api/v1/conversations'] = () => refusal(500, 'internal')
    script.hello = (socket) => {
      socket.send(ready())
      hurt(socket)
    }
    const pauses = spyOn(pausing, 'backOff').mockImplementation(() => 1)
    try {
      script.sockets[0]?.close(1011)
      await eventually(() => expect(script.sockets.length).toBeGreaterThan(5))
      const attempts = pauses.mock.calls.map(([attempt]) => attempt)
      expect(attempts.slice(0, 5)).toEqual([0, 1, 2, 3, 4])
    } finally {
      pauses.mockRestore()
    }
  })

test('a conversation whose repair fails holds up no other, and what comes of it waits for its repair', async () => {
  const server = scriptServer()
  const { script } = server
  const ofB = (seq: number) => message(seq, seq, { id: `b${seq}`, conversationId: 'b', text: `b${seq}` })
  const isMended = Promise.withResolvers<void>()
  let mended = false
  script.routes['GET /api/v1/conversations/b'] = () =>
    mended ? { ...conversation, id: 'b' } : refusal(500, 'internal')
  script.routes['GET /api/v1/conversations/b/changes'] = () => {
    isMended.resolve()
    return { items: [ofB(1), ofB(2)], receipts: [], revision: 2, more: false }
  }
  script.routes['GET /api/v1/conversations/c'] = () => conversation
  script.routes['GET /api/v1/conversations/c/changes'] = () => {
    return { items: [message(1)], receipts: [], revision: 1, more: false }
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  client.on('conversation', ({ id }) => told.push(`conversation ${id}`))
  client.on('repaired', ({ reason }) => told.push(`repaired ${reason}`))
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  await client.connect()
  const conversations = [
    { id: 'b', seq: 2, revision: 2 },
    { id: 'c', seq: 1, revision: 1 },
  ]
  const scopes = { conversations, more: false, contacts: 0 }
  const socket = script.sockets[0]
  socket?.send({ type: 'gap', cursor: 'f-0', reason: 'trimmed', scopes })
  socket?.send(eventFrame(1, 'message.created', ofB(3)))
  socket?.send(created(2, 2))
  await eventually(() => expect(told).toEqual(['conversation c', 'message 1 1', 'message 2 2']))
  expect(errors).not.toEqual([])
  mended = true
  await isMended.promise
  await eventually(() => expect(told).toContain('repaired trimmed'))
  expect(told.slice(3)).toEqual([
    'conversation b',
    'message 1 b1',
    'message 2 b2',
    'message 3 b3',
    'repaired trimmed',
  ])
  await eventually(() => expect(script.frames).toContainEqual({ type: 'ack', cursor: 'e-2' }))
  expect(script.frames.filter(({ type }) => type === 'ack')).toHaveLength(1)
  expect(script.sockets).toHaveLength(1)
})

test('a conversation whose repair gets no answer holds up no other for long', async () => {
  const server = scriptServer()
  const { script } = server
  const answered = Promise.withResolvers<void>()
  let asked = 0
  script.routes['GET /api/v1/conversations/b'] = () => ({ ...conversation, id: 'b' })
  script.routes['GET /api/v1/conversations/b/changes'] = async () => {
    asked += 1
    await answered.promise
    const first = message(1, 1, { id: 'b1', conversationId: 'b', text: 'b1' })
    return { items: [first], receipts: [], revision: 1, more: false }
  }
  script.routes['GET /api/v1/conversations/c'] = () => conversation
  script.routes['GET /api/v1/conversations/c/changes'] = () => {
    return { items: [message(1)], receipts: [], revision: 1, more: false }
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  client.on('repaired', ({ reason }) => told.push(`repaired ${reason}`))
  await client.connect()
  const conversations = ['b', 'c'].map((id) => ({ id, seq: 1, revision: 1 }))
  const scopes = { conversations, more: false, contacts: 0 }
  script.sockets[0]?.send({ type: 'gap', cursor: 'f-0', reason: 'trimmed', scopes })
  script.sockets[0]?.send(created(2, 2))
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 2 2']))
  answered.resolve()
  await eventually(() => expect(told.slice(2)).toEqual(['message 1 b1', 'repaired trimmed']))
  expect(asked).toBe(1)
})

test('contacts whose repair fails hold up nothing else, and what comes of them waits for their repair', async () => {
  const server = scriptServer()
  const { script } = server
  let isMended = false
  script.routes['GET /api/v1/contacts/changes'] = ({ url }) =>
    isMended ? contactChanges([1, 2, 30], url) : refusal(500, 'internal')
  const client = await clientOf(server)
  const told = toldTo(client)
  client.on('contact', ({ userId }) => told.push(`contact ${userId}`))
  client.on('repaired', ({ reason }) => told.push(`repaired ${reason}`))
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  await client.connect()
  for (const frame of [gapOfContacts(30), contact(1, 31), created(2, 1)]) script.sockets[0]?.send(frame)
  await eventually(() => expect(told).toEqual(['message 1 1']))
  expect(errors).not.toEqual([])
  isMended = true
  await eventually(() => expect(told).toHaveLength(6))
  expect(told.slice(1)).toEqual([
    'contact u1',
    'contact u2',
    'contact u30',
    'contact u31',
    'repaired trimmed',
  ])
  await eventually(() => expect(script.frames).toContainEqual({ type: 'ack', cursor: 'e-2' }))
  expect(script.frames.filter(({ type }) => type === 'ack')).toHaveLength(1)
  expect(script.sockets).toHaveLength(1)
})

test('what comes of contacts waits for the repair of each gap, though that of an earlier one is done', async () => {
  const server = scriptServer()
  const { script } = server
  const answered = Promise.withResolvers<void>()
  let asked = 0
  let isMended = false
  script.routes['GET /api/v1/contacts/changes'] = async ({ url }) => {
    asked += 1
    if (asked > 1) return isMended ? contactChanges([20, 40], url) : refusal(500, 'internal')
    await answered.promise
    return contactChanges([20], url)
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  client.on('error', () => {})
  client.on('contact', ({ userId }) => told.push(`contact ${userId}`))
  client.on('repaired', ({ reason }) => told.push(`repaired ${reason}`))
  await client.connect()
  for (const frame of [gapOfContacts(20), created(1, 1)]) script.sockets[0]?.send(frame)
  // As long as a repair is waited for.
  await eventually(() => expect(told).toEqual(['message 1 1']))
  expect(asked).toBe(1)
  for (const frame of [gapOfContacts(59), created(2, 2)]) script.sockets[0]?.send(frame)
  await eventually(() => expect(told).toEqual(['message 1 1', 'message 2 2']))
  answered.resolve()
  await eventually(() => expect(told.slice(2)).toEqual(['contact u20', 'repaired trimmed']))
  for (const frame of [contact(3, 60), created(4, 3)]) script.sockets[0]?.send(frame)
  await eventually(() => expect(told.slice(4)).toEqual(['message 3 3']))
  isMended = true
  const left = ['contact u40', 'contact u60', 'repaired trimmed']
  await eventually(() => expect(told.slice(5)).toEqual(left))
}, 15_000)

test('a message in a hole is told however much else is told before the hole can be fetched', async () => {
  const server = scriptServer()
  const { script } = server
  let isMended = false
  const edited = (revision: number) => message(1, revision, { text: `at ${revision}`, editedAt: 'now' })
  script.routes['GET /api/v1/conversations/c/changes'] = ({ url }) => {
    if (!isMended) return refusal(500, 'internal')
    const after = Number(url.searchParams.get('after'))
    const items = [message(2), message(3), edited(400)].filter(({ revision }) => revision > after)
    return { items, receipts: [], revision: 400, more: false }
  }
  const client = await clientOf(server)
  client.on('error', () => {})
  const told = toldTo(client)
  await client.connect()
  for (const frame of [created(1, 1), created(2, 3)]) script.sockets[0]?.send(frame)
  for (let revision = 4; revision <= 400; revision += 1)
    script.sockets[0]?.send(eventFrame(revision, 'message.edited', edited(revision)))
  await eventually(() => expect(told.at(-1)).toBe('edited 1 at 400'))
  isMended = true
  await eventually(() => expect(told.slice(-2)).toEqual(['message 2 2', 'message 3 3']))
  expect(told).toHaveLength(1 + 397 + 2)
})

test('a hole that cannot be fetched is asked for after longer and longer pauses', async () => {
  const server = scriptServer()
  const { script } = server
  let asked = 0
  script.routes['GET /api/v1/conversations/c/changes'] = () => {
    asked += 1
    return refusal(500, 'internal')
  }
  const client = await clientOf(server)
  client.on('error', () => {})
  await client.connect()
  const pauses = spyOn(pausing, 'backOff').mockImplementation(() => 1)
  try {
    script.sockets[0]?.send(created(1, 2))
    await eventually(() => expect(asked).toBeGreaterThan(4))
    const attempts = pauses.mock.calls.map(([attempt]) => attempt)
    expect(attempts.slice(0, 4)).toEqual([4, 5, 6, 7])
  } finally {
    pauses.mockRestore()
  }
})

test('a repair tells of a new conversation once and of own pointers', async () => {
  const server = scriptServer()
  const { script } = server
  const created = eventFrame(1, 'conversation.created', conversation)
  script.routes['GET /api/v1/conversations'] = () => ({
    items: [{ id: 'd', seq: 8, revision: 20 }],
    nextCursor: null,
  })
  script.routes['GET /api/v1/conversations/c'] = () => ({ ...conversation, revision: 1 })
  script.routes['GET /api/v1/conversations/c/changes'] = () => {
    return { items: [message(1)], receipts: [], revision: 1, more: false }
  }
  const client = await clientOf(server)
  const told: unknown[] = []
  for (const name of ['conversation', 'message', 'receipt', 'repaired'] as const)
    client.on(name, (value) => told.push(value))
  await client.connect()
  const conversations = [
    { id: 'c', seq: 1, revision: 1, deliveredSeq: 0, readSeq: 0 },
    { id: 'd', seq: 8, revision: 20, deliveredSeq: 8, readSeq: 7 },
  ]
  const scopes = { conversations, more: false, contacts: 0 }
  script.sockets[0]?.send({ type: 'gap', cursor: 'f-0', reason: 'epoch', scopes })
  const old = eventFrame(2, 'conversation.created', { ...conversation, id: 'd' })
  for (const frame of [created, old]) script.sockets[0]?.send(frame)
  script.sockets[0]?.send(eventFrame(3, 'message.created', message(2)))
  await eventually(() => expect(told).toContainEqual(message(2)))
  expect(told).toEqual([
    conversation,
    message(1),
    { conversationId: 'd', userId: 'me', deliveredSeq: 8, readSeq: 7 },
    { reason: 'epoch' },
    message(2),
  ])
})

test('a message that a repair has fetched is acknowledged to its sender', async () => {
  const server = scriptServer()
  const { script } = server
  script.routes['GET /api/v1/conversations/c'] = () => conversation
  script.routes['GET /api/v1/conversations/c/changes'] = () => {
    const own = message(3, 3, { senderId: 'me' })
    return { items: [message(1), message(2), own], receipts: [], revision: 3, more: false }
  }
  const client = await clientOf(server)
  await client.connect()
  const scopes = { conversations: [{ id: 'c', seq: 3, revision: 3 }], more: false, contacts: 0 }
  script.sockets[0]?.send({ type: 'gap', cursor: 'f-0', reason: 'trimmed', scopes })
  const receipt = { type: 'receipt', conversationId: 'c', deliveredSeq: 2 } as const
  await eventually(() => expect(script.frames).toContainEqual(receipt))
})

test('what was enqueued is told once, though it comes again after a gap or to a device that starts again', async () => {
  const server = scriptServer()
  const { script } = server
  const enqueued = (n: number, queueId: string): ServerFrame => {
    const frame = eventFrame(n, 'queue.enqueued', { queueId })
    return frame.type === 'event' ? { ...frame, event: { ...frame.event, id: queueId } } : frame
  }
  const storage = memoryStorage()
  const listen = async () => {
    const client = await clientOf(server, { storage })
    const told: string[] = []
    client.on('event', ({ id }) => told.push(id))
    await client.connect()
    return { client, told }
  }
  const first = await listen()
  script.sockets[0]?.send(enqueued(1, 'q1'))
  const scopes = { conversations: [], more: false, contacts: 0 }
  script.sockets[0]?.send({ type: 'gap', cursor: 'f-0', reason: 'epoch', scopes })
  for (const frame of [enqueued(1, 'q1'), enqueued(2, 'q2')]) script.sockets[0]?.send(frame)
  await eventually(() => expect(first.told).toEqual(['q1', 'q2']))
  await first.client.close()
  const second = await listen()
  for (const frame of [enqueued(3, 'q2'), enqueued(4, 'q3')]) script.sockets[1]?.send(frame)
  await eventually(() => expect(second.told).toEqual(['q3']))
})

const listOf = (seq: number, revision = seq) => ({ items: [{ id: 'c', seq, revision }], nextCursor: null })

test('what a new device finds there is not told, whenever its events come; what comes after is, in order', async () => {
  const server = scriptServer()
  const { script } = server
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  script.routes['GET /api/v1/conversations'] = async () => {
    asked.resolve()
    await answered.promise
    return listOf(8, 20)
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  client.on('state', ({ state }) => told.push(state))
  client.on('conversation', ({ id }) => told.push(`conversation ${id}`))
  const connected = client.connect()
  await asked.promise
  script.sockets[0]?.send(eventFrame(1, 'conversation.created', conversation))
  for (const frame of [created(2, 8, 20), created(3, 10, 22), created(4, 7, 19), created(5, 9, 21)])
    script.sockets[0]?.send(frame)
  answered.resolve()
  await connected
  await eventually(() => expect(told).toContain('message 10 10'))
  expect(told).toEqual(['connecting', 'live', 'message 9 9', 'message 10 10'])
})

test('a conversation that becomes active while a new device turns pages is no new one', async () => {
  const server = scriptServer()
  const { script } = server
  const others = Array.from({ length: 100 }, (_, number) => ({ id: `o${number}`, seq: 1, revision: 1 }))
  let passes = 0
  script.routes['GET /api/v1/conversations'] = ({ url }) => {
    if (url.searchParams.has('cursor'))
      return { items: [{ id: 'last', seq: 1, revision: 1 }], nextCursor: null }
    passes += 1
    const moved = passes > 1 ? listOf(8, 20).items : []
    return { items: [...moved, ...others].slice(0, 100), nextCursor: 'more' }
  }
  script.routes['GET /api/v1/conversations/c/changes'] = () => {
    return { items: [message(1), message(8, 20), message(9, 21)], receipts: [], revision: 21, more: false }
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  await client.connect()
  for (const frame of [created(1, 8, 20), created(2, 9, 21)]) script.sockets[0]?.send(frame)
  await eventually(() => expect(told).toContain('message 9 9'))
  expect(told).toEqual(['message 9 9'])
})

test('a new device is live only once a list tells it what is there, and asks for it after longer and longer pauses', async () => {
  const server = scriptServer()
  const { script } = server
  let failures = 3
  script.routes['GET /api/v1/conversations'] = () =>
    failures-- > 0 ? refusal(500, 'internal') : listOf(8, 20)
  const client = await clientOf(server)
  client.on('error', () => {})
  const states: string[] = []
  client.on('state', ({ state }) => states.push(state))
  const pauses = spyOn(pausing, 'backOff').mockImplementation(() => 1)
  try {
    await client.connect()
    expect(pauses.mock.calls.map(([attempt]) => attempt)).toEqual([0, 1, 2])
  } finally {
    pauses.mockRestore()
  }
  const failed = ['connecting', 'offline']
  expect(states).toEqual([...failed, ...failed, ...failed, 'connecting', 'live'])
})

test('a new device that disconnects before it knows what is there begins anew, and the late answer changes nothing', async () => {
  const server = scriptServer()
  const { script } = server
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  script.routes['GET /api/v1/conversations'] = async () => {
    if (script.sockets.length > 1) return listOf(3)
    asked.resolve()
    await answered.promise
    return listOf(1)
  }
  const client = await clientOf(server)
  const told = toldTo(client)
  client.on('state', ({ state, resumed }) => state === 'live' && told.push(`resumed ${resumed}`))
  void client.connect()
  await asked.promise
  await client.disconnect()
  await client.connect()
  expect(script.sockets[1]?.cursor).toBeUndefined()
  answered.resolve()
  await fetch(server.url)
  await fetch(server.url)
  for (const frame of [created(1, 2), created(2, 3), created(3, 4)]) script.sockets[1]?.send(frame)
  await eventually(() => expect(told).toContain('message 4 4'))
  expect(told).toEqual(['resumed false', 'message 4 4'])
})

test('received messages are acknowledged to their sender once for a burst', async () => {
  const server = scriptServer()
  const client = await clientOf(server)
  await client.connect()
  for (const seq of [1, 2, 3]) server.script.sockets[0]?.send(created(seq, seq))
  const receipts = () => server.script.frames.filter(({ type }) => type === 'receipt')
  await eventually(() => expect(receipts()).toHaveLength(1))
  expect(receipts()).toEqual([{ type: 'receipt', conversationId: 'c', deliveredSeq: 3 }])
})

test('receipts of a backlog keep to the budget of the socket, and what finds no room goes later', async () => {
  const server = scriptServer()
  const { script } = server
  // Of the twelve frames that may go at once, `hello` is one.
  const client = await clientOf(server, { framesPerMinute: 60 })
  await client.connect()
  const ids = Array.from({ length: 30 }, (_, number) => `c${number}`)
  for (const [index, conversationId] of ids.entries())
    script.sockets[0]?.send(eventFrame(index + 1, 'message.created', message(1, 1, { conversationId })))
  const saidAt: number[] = []
  const receipts = () => script.frames.flatMap((frame) => (frame.type === 'receipt' ? frame : []))
  for (const count of [11, 22, 30]) {
    await eventually(() => expect(receipts().length).toBeGreaterThanOrEqual(count))
    saidAt.push(receipts().length)
    if (count < 30) script.sockets.at(-1)?.close(1011)
    await eventually(() => expect(client.state).toBe('live'))
  }
  expect(saidAt[0]).toBeLessThan(20)
  expect(new Set(receipts().map(({ conversationId }) => conversationId))).toEqual(new Set(ids))
  expect(receipts()).toHaveLength(30)
})

/** A device that was closed before it had said that `c`, `d` and `e` have reached it, after `a` and `b`. */
async function closedWithBacklog() {
  const server = scriptServer()
  const { script } = server
  const storage = memoryStorage()
  const receipts = () => script.frames.flatMap((frame) => (frame.type === 'receipt' ? frame : []))
  const said = () => receipts().map(({ conversationId }) => conversationId)
  // Of the three frames that may go at once, `hello` is one.
  const client = await clientOf(server, { storage, framesPerMinute: 15 })
  const told = toldTo(client)
  await client.connect()
  for (const [index, conversationId] of ['a', 'b', 'c', 'd', 'e'].entries())
    script.sockets[0]?.send(eventFrame(index + 1, 'message.created', message(1, 1, { conversationId })))
  await eventually(() => expect(said()).toEqual(['a', 'b']))
  expect(told).toHaveLength(5)
  await client.close()
  return { server, storage, said }
}

test('what is left of a backlog of receipts is said after a reload', async () => {
  const { server, storage, said } = await closedWithBacklog()
  const client = await clientOf(server, { storage })
  await client.connect()
  expect(server.script.sockets[1]?.cursor).toBe('e-5')
  await eventually(() => expect(said()).toEqual(['a', 'b', 'c', 'd', 'e']))
})

test('what is left of a backlog of receipts is never said once they are not wanted', async () => {
  const { server, storage, said } = await closedWithBacklog()
  const silent = await clientOf(server, { storage, deliveredReceipts: false })
  await silent.connect()
  await silent.close()
  const client = await clientOf(server, { storage })
  await client.connect()
  server.script.sockets.at(-1)?.send(eventFrame(6, 'message.created', message(1, 1, { conversationId: 'f' })))
  await eventually(() => expect(said()).toContain('f'))
  expect(said()).toEqual(['a', 'b', 'f'])
})

test('what the server refuses without anybody waiting for it is told as an error', async () => {
  const server = scriptServer()
  const client = await clientOf(server)
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  await client.connect()
  server.script.sockets[0]?.send({
    type: 'error',
    problem: { type: 'about:blank', code: 'limited', title: 'Too many', status: 429, reason: 'over_budget' },
  })
  await eventually(() => expect(errors).toMatchObject([{ code: 'limited', reason: 'over_budget' }]))
})
