import { afterAll, expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { someoneNew, unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { killAtRandom, killForAnother, portsOf, processOf } from './faults.ts'
import { OpenSocket } from './open-socket.ts'
import { startSlowLink } from './slow-link.ts'
import { startTraffic, withoutBudgets } from './traffic.ts'
import { insist } from './writer.ts'

const plaza = await startPlaza({ each: true, scale: { websocket: 2 }, env: withoutBudgets })
afterAll(() => plaza.stop())
const traffic = await startTraffic(plaza.url)
afterAll(() => traffic.stop())

const watched = traffic.pairs.flatMap((pair) =>
  [pair.bySocket, pair.byRest].map((person) => ({
    pair,
    person,
    socket: new OpenSocket(person, plaza.url),
  })),
)
const nodeUrl = async (name: string) => (await processOf(plaza, name)).url
/** Waits until every socket has got every message that was acknowledged, then looks at the order of all it got. */
const everySocketHasAll = async () => {
  for (const { pair, socket } of watched) {
    await eventually(() => {
      const got = socket.told()
      const missing = [...pair.acknowledged.values()].filter(({ id }) => !got.has(id))
      expect(missing.map(({ seq }) => seq)).toEqual([])
    }, 60_000)
    socket.check()
  }
}

test('with NATS restarted under traffic every open socket stays open and gets everything, in order', async () => {
  for (const { socket } of watched) await socket.open(plaza.url)
  const states: string[] = []
  for (const { person } of watched) person.client.on('state', ({ state }) => states.push(state))
  for (let round = 0; round < 3; round += 1) {
    await traffic.flow(10)
    await killAtRandom(plaza, 'nats')
  }
  await traffic.flow(5)
  await traffic.verify()
  await everySocketHasAll()
  expect(watched.filter(({ socket }) => socket.closed)).toEqual([])
  expect(states).toEqual([])
}, 180_000)

test('what was sent while nodes could not hear NATS reaches their sockets without another message', async () => {
  const nodes = ['websocket-1', 'websocket-2']
  for (const node of nodes) await plaza.kill(node, 'SIGSTOP')
  await killForAnother(plaza, 'nats')
  for (const { byRest, conversationId, acknowledged } of traffic.pairs) {
    const sent = await insist(() => byRest.client.send(conversationId, 'Does anybody hear?'))
    acknowledged.set(sent.id, sent)
  }
  for (const { pair, socket } of watched)
    await eventually(async () => {
      const waiting = new Set(await socket.waiting())
      expect(
        [...pair.acknowledged.keys()].filter((id) => !waiting.has(id) && !socket.told().has(id)),
      ).toEqual([])
    }, 60_000)
  for (const node of nodes) await plaza.kill(node, 'SIGCONT')
  await everySocketHasAll()
  await plaza.waitReady()
  expect(watched.filter(({ socket }) => socket.closed)).toEqual([])
}, 180_000)

test('devices whose node was killed go on at another one: no hole, nothing twice', async () => {
  for (const { socket } of watched) socket.close()
  for (const { socket } of watched) await socket.open(await nodeUrl('websocket-1'))
  await traffic.flow(10)
  const returned = killAtRandom(plaza, 'websocket-1')
  await eventually(() => expect(watched.filter(({ socket }) => !socket.closed)).toEqual([]))
  for (const { socket } of watched) await socket.open(await nodeUrl('websocket-2'))
  await traffic.flow(10)
  await returned
  await traffic.verify()
  await everySocketHasAll()
  expect(watched.filter(({ socket }) => socket.closed)).toEqual([])
}, 180_000)

test('a link of 3 MB/s that stands still at first drains 10 MB that have waited, completely and in order', async () => {
  const [writer, reader] = [
    await someoneNew(plaza.url, 'writer', { framesPerMinute: 0 }),
    await someoneNew(plaza.url, 'reader'),
  ]
  const { id } = await writer.client.talk.open(reader.id)
  const socket = new OpenSocket(reader, plaza.url)
  await socket.open(plaza.url)
  socket.close()
  await eventually(() => expect(socket.closed).toBe(true))
  const texts = Array.from({ length: 700 }, (_, index) =>
    `${index} ${'slow '.repeat(3_200)}`.slice(0, 16_000),
  )
  await Promise.all(texts.map((text) => writer.client.send(id, text)))

  const { port } = await processOf(plaza, 'websocket-1')
  const link = await startSlowLink({ port, bytesPerSecond: 3_000_000, standstillMs: 3_000 })
  try {
    await socket.open(link.url)
    await eventually(() => expect(socket.messages()).toHaveLength(texts.length), 60_000)
    expect(socket.messages().map(({ text }) => text)).toEqual(texts)
    expect(socket.bytes).toBeGreaterThan(10_000_000)
    expect(socket.closed).toBe(false)
    socket.check()
  } finally {
    link.stop()
    await Promise.all([writer, reader].map(({ client }) => client.close()))
  }
}, 180_000)

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(await portsOf(plaza))).toBe(0)
})
