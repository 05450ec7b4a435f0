import { expect, test } from 'bun:test'
import { PlazaError } from '../error.ts'
import { clientOf, message, refusal, scriptServer } from '../testing.ts'

const path = 'POST /api/v1/conversations/c/messages'

test('a message goes by the socket when it is live', async () => {
  const server = scriptServer()
  server.script.onFrame = (socket, frame) => {
    if (frame.type === 'send') socket.send({ type: 'sent', ref: frame.ref, message: message(1) })
  }
  const client = await clientOf(server)
  await client.connect()
  expect(await client.send('c', 'hello')).toEqual(message(1))
  expect(server.script.calls).not.toContain(path)
})

test('a socket that breaks before its answer is followed by REST under the same key', async () => {
  const server = scriptServer()
  const keys: unknown[] = []
  server.script.onFrame = (socket, frame) => {
    if (frame.type !== 'send') return
    keys.push(frame.key)
    socket.close(1011)
  }
  server.script.routes[path] = ({ headers, body }) => {
    keys.push(headers.get('idempotency-key'))
    expect(body).toEqual({ text: 'hello' })
    return keys.length < 3 ? refusal(503, 'unavailable') : message(1)
  }
  const client = await clientOf(server)
  await client.connect()
  expect(await client.send('c', 'hello')).toEqual(message(1))
  expect(new Set(keys).size).toBe(1)
  expect(keys).toHaveLength(3)
})

test('a refusal is final', async () => {
  const server = scriptServer()
  server.script.routes[path] = () => refusal(403, 'forbidden', 'not_accepting')
  const client = await clientOf(server)
  const error = await client.send('c', 'hello').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(PlazaError)
  expect(error).toMatchObject({ code: 'forbidden', reason: 'not_accepting' })
  expect(server.script.calls.filter((call) => call === path)).toHaveLength(1)
})

test('messages of one conversation are stored in the order of the calls', async () => {
  const server = scriptServer()
  const texts: unknown[] = []
  server.script.routes[path] = async ({ body }) => {
    await Bun.sleep(texts.length === 0 ? 50 : 0)
    texts.push(body)
    return message(texts.length)
  }
  const client = await clientOf(server)
  await Promise.all(['one', 'two', 'three'].map((text) => client.send('c', text)))
  expect(texts).toEqual([{ text: 'one' }, { text: 'two' }, { text: 'three' }])
})

test('more messages and reads than the socket has a budget for go by REST', async () => {
  const server = scriptServer()
  server.script.onFrame = (socket, frame) => {
    if (frame.type === 'send') socket.send({ type: 'sent', ref: frame.ref, message: message(1) })
  }
  server.script.routes[path] = () => message(1)
  server.script.routes['PUT /api/v1/conversations/c/receipts'] = () => ({})
  const client = await clientOf(server, { framesPerMinute: 25 })
  await client.connect()
  // `hello` is one of the five frames that may go at once.
  for (let count = 0; count < 3; count += 1) await client.send('c', 'hello')
  for (let count = 0; count < 2; count += 1) await client.read('c', count)
  await client.send('c', 'hello')
  expect(server.script.frames.map(({ type }) => type)).toEqual(['hello', 'send', 'send', 'send', 'receipt'])
  expect(server.script.calls.slice(-2)).toEqual(['PUT /api/v1/conversations/c/receipts', path])
})

test('two conversations may take the same key at the same time', async () => {
  const server = scriptServer()
  const sent: { ref: string; conversationId: string }[] = []
  server.script.onFrame = (socket, frame) => {
    if (frame.type !== 'send') return
    sent.push(frame)
    if (sent.length < 2) return
    for (const { ref, conversationId } of sent)
      socket.send({ type: 'sent', ref, message: message(1, 1, { conversationId }) })
  }
  const client = await clientOf(server)
  await client.connect()
  const messages = await Promise.all(['c', 'd'].map((id) => client.send(id, 'hello', 'key')))
  expect(messages.map(({ conversationId }) => conversationId)).toEqual(['c', 'd'])
})
