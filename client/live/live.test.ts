import { expect, spyOn, test } from 'bun:test'
import { createApi } from '../api.ts'
import { Emitter } from '../emitter.ts'
import { createExchange } from '../exchange.ts'
import * as pausing from '../pause.ts'
import { createSessionKeeper } from '../session.ts'
import { memoryStorage } from '../storage.ts'
import { clientOf, eventFrame, eventually, message, scriptServer, sessionOf } from '../testing.ts'
import type { LiveEvents } from './events.ts'
import { createLive } from './live.ts'

test('while a socket is open the session is used by calls, and not any more after it', async () => {
  const { script, url } = scriptServer()
  let used = 0
  const twice = Promise.withResolvers<void>()
  script.routes['GET /api/v1/auth/me'] = () => {
    used += 1
    if (used === 2) twice.resolve()
    return sessionOf().user
  }
  const ending = new AbortController()
  const exchange = createExchange({ url, fetch, signal: ending.signal })
  const session = createSessionKeeper(exchange, memoryStorage(), () => {})
  await session.take(sessionOf())
  const live = createLive({
    url,
    api: createApi(exchange, session),
    emitter: new Emitter<LiveEvents>(),
    cursor: () => undefined,
    framesPerMinute: 480,
    attach: () => ({ begin: (onLive) => onLive(), accept: () => {}, close: () => {} }),
    useSessionMs: 20,
  })
  await live.run(ending.signal)
  await twice.promise
  ending.abort()
  const before = used
  await Bun.sleep(100)
  expect(used - before).toBeLessThan(2)
})

test('what was read over a line that was dead is said again on the next socket, until a ping was answered', async () => {
  const server = scriptServer()
  const { script } = server
  let answersPings = false
  const ready = {
    type: 'ready',
    sessionId: 's',
    cursor: 'e-0',
    resumed: true,
    heartbeatSeconds: 0.5,
  } as const
  script.hello = (socket) => socket.send(ready)
  let pings = 0
  script.onFrame = (socket, { type }) => {
    if (type !== 'ping') return
    pings += 1
    if (answersPings) socket.send({ type: 'pong' })
  }
  const client = await clientOf(server)
  await client.connect()
  const reads = () => script.frames.flatMap((frame) => (frame.type === 'receipt' ? frame.readSeq : []))
  await client.read('c', 4)
  await client.read('c', 5)
  await client.read('c', 3)
  await eventually(() => expect(reads()).toEqual([4, 5, 3, 5]))
  answersPings = true
  pings = 0
  await eventually(() => expect(pings).toBeGreaterThan(3))
  const sockets = script.sockets.length
  script.sockets.at(-1)?.close(1011)
  await eventually(() => expect(script.sockets).toHaveLength(sockets + 1))
  await client.read('c', 6)
  await eventually(() => expect(reads().at(-1)).toBe(6))
  expect(
    reads()
      .slice(4)
      .filter((seq) => seq !== 5),
  ).toEqual([6])
  expect(reads()).toHaveLength(4 + sockets - 2 + 1)
})

test('a close ends everything, though the storage is full', async () => {
  const server = scriptServer()
  server.script.routes['GET /api/v1/auth/me'] = () => sessionOf().user
  const storage = memoryStorage()
  const client = await clientOf(server, {
    storage: {
      ...storage,
      set(key, value) {
        if (key.startsWith('plaza.live')) throw new Error('full')
        storage.set(key, value)
      },
    },
  })
  const told: number[] = []
  client.on('message', ({ seq }) => told.push(seq))
  await client.connect()
  server.script.sockets[0]?.send(eventFrame(1, 'message.created', message(1)))
  await eventually(() => expect(told).toEqual([1]))
  await expect(client.close()).rejects.toThrow('full')
  await expect(client.account.me()).rejects.toMatchObject({ code: 'unreachable' })
})

test('a server that asks to be left alone for a while is asked for the next ticket after it', async () => {
  const server = scriptServer()
  const ticket = 'POST /api/v1/ws/ticket'
  const answer = server.script.routes[ticket]
  let asked = 0
  server.script.routes[ticket] = (request) => {
    asked += 1
    if (asked > 2) return answer?.(request)
    return new Response('Too Many Requests', { status: 429, headers: { 'retry-after': '900' } })
  }
  const client = await clientOf(server)
  const pauses = spyOn(pausing, 'pause').mockImplementation(async () => {})
  try {
    await client.connect()
    expect(pauses.mock.calls.map(([ms]) => ms >= 900_000)).toEqual([true, true])
  } finally {
    pauses.mockRestore()
  }
})
