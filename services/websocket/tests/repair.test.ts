import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { parseCursor, wakeUpSubject } from '@plaza/relay/mailbox'
import { openSockets } from '../metrics.ts'
import { startSlowLink } from './_slow-link.ts'
import { TestSocket } from './_socket.ts'
import { createTicket, messagesOf, numbers, numbersOf, placesOf, startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path, { CHECK_SECONDS: '2', STALL_SECONDS: '3' })
const { deps, nats } = world

test('a wake-up that was lost is noticed by the next one', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const lost = await world.publish([ada.id], 1)
  await eventually(() => expect(textsOf(socket)).toEqual(lost))
  // As if this node had not been connected: the registry does not name it for a moment.
  const nodes = `relay:{${ada.id}}:nodes`
  await deps.host.redis().rename(nodes, `${nodes}:aside`)
  await world.publish([ada.id], 3, { from: 1 })
  await eventually(async () => expect(await deps.host.redis().xlen(`relay:{${ada.id}}`)).toBe(4))
  await deps.host.redis().rename(`${nodes}:aside`, nodes)
  await world.publish([ada.id], 1, { from: 4 })
  await eventually(() => expect(textsOf(socket)).toEqual(['0', '1', '2', '3', '4']))
})

test('a wake-up that was lost is noticed without another one', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const nodes = `relay:{${ada.id}}:nodes`
  await deps.host.redis().del(nodes)
  const texts = await world.publish([ada.id], 3)
  await eventually(() => expect(textsOf(socket)).toEqual(texts))
  // And the node has put itself back into the registry.
  expect(await deps.host.redis().exists(nodes)).toBe(1)
})

test('a wake-up that comes twice, or late, sends nothing twice', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const payloads: string[] = []
  const subscription = nats.connection.subscribe(wakeUpSubject(world.node.host.instance), {
    callback: (_error, message) => void payloads.push(message.string()),
  })
  const texts = await world.publish([ada.id], 5)
  await eventually(() => expect(textsOf(socket)).toEqual(texts))
  subscription.unsubscribe()
  for (const payload of payloads.reverse())
    nats.connection.publish(wakeUpSubject(world.node.host.instance), payload)
  const more = await world.publish([ada.id], 1, { from: 5 })
  await eventually(() => expect(textsOf(socket)).toEqual([...texts, ...more]))
})

test('with NATS restarted under traffic every open socket still gets everything, in order', async () => {
  const users = await Promise.all(Array.from({ length: 5 }, () => deps.createUser()))
  const sockets = await Promise.all(users.map((user) => world.open(user)))
  const ids = users.map((user) => user.id)
  const texts: string[] = []
  let stopped = false
  const traffic = (async () => {
    for (let from = 0; !stopped; from += 1) {
      const sent = await world.publish(ids, 1, { from }).catch(() => undefined)
      // What was not acknowledged may have been stored all the same: it comes again with another id.
      if (sent) texts.push(...sent)
    }
  })()
  for (let round = 0; round < 3; round += 1) {
    const before = texts.length
    await eventually(() => expect(texts.length).toBeGreaterThan(before + 50))
    await deps.parts.nats.kill()
    await deps.parts.nats.restart()
  }
  const before = texts.length
  await eventually(() => expect(texts.length).toBeGreaterThan(before + 50))
  stopped = true
  await traffic
  for (const socket of sockets)
    await eventually(() => {
      const got = textsOf(socket).map(Number)
      expect(got.length).toBeGreaterThanOrEqual(texts.length)
      expect(new Set(got).size).toBe(got.length)
      expect(texts.filter((text) => !got.includes(Number(text)))).toEqual([])
    }, 30_000)
  const orders = sockets.map((socket) =>
    socket.all('event').map(({ cursor }) => Number(cursor.split('-')[1])),
  )
  for (const order of orders) expect(order).toEqual(order.map((_, index) => index + 1))
}, 90_000)

test('a device whose node died goes on at another one: no hole, nothing twice', async () => {
  const ada = await deps.createUser()
  const [first, second] = [await world.addNode(), await world.addNode()]
  const before = await world.open(ada, { at: first })
  let stopped = false
  const texts: string[] = []
  const traffic = (async () => {
    for (let from = 0; !stopped; from += 1) texts.push(...(await world.publish([ada.id], 1, { from })))
  })()
  await eventually(() => expect(textsOf(before).length).toBeGreaterThan(50))
  await first.crash()
  await before.closed
  const after = await world.open(ada, { at: second, cursor: before.cursor })
  expect(after.one('ready').resumed).toBe(true)
  await eventually(() => expect(textsOf(after).length).toBeGreaterThan(50))
  stopped = true
  await traffic
  await eventually(() => expect([...textsOf(before), ...textsOf(after)]).toEqual(texts))
}, 60_000)

/** Somebody who has missed 10 MB of messages, and where they left off. */
const missing = once(async () => {
  const [ada, bob] = await Promise.all([deps.createUser(), deps.createUser()])
  const message = await world.startMessage()
  const path = `/api/v1/conversations/${await message.converse(ada, bob)}/messages`
  const post = (text: string) => message.call(ada, 'POST', path, { text })
  const { cursor } = await world.open(bob)
  for (let from = 0; from < 3_400; from += 100)
    await Promise.all(numbers(100, from).map((each) => post(`${each} ${'x'.repeat(3_000)}`)))
  await eventually(async () =>
    expect(await deps.host.redis().xlen(`relay:{${bob.id}}`)).toBeGreaterThanOrEqual(3_400),
  )
  return { bob, cursor, post }
})

test('10 MB drain completely and in order over a slow link, while more comes', async () => {
  const { bob, cursor, post } = await missing()
  const link = await startSlowLink(world.node.port, 3_000_000)
  const ticket = await createTicket(world.node, bob)
  const socket = new TestSocket(`ws://127.0.0.1:${link.port}/api/v1/ws?ticket=${ticket}`)
  await socket.opened
  socket.say({ type: 'hello', cursor })
  await eventually(() => expect(numbersOf(socket).length).toBeGreaterThan(100))
  for (const each of numbers(90, 3_400)) await post(`${each} live`)
  await eventually(() => expect(numbersOf(socket).length).toBe(3_490), 60_000)
  // Sends that run at once may be published in another order; the mailbox keeps the order of their arrival.
  const seqs = messagesOf(socket).map(({ seq }) => seq)
  expect(seqs.toSorted((a, b) => a - b)).toEqual(numbers(3_490, 1))
  const places = placesOf(socket)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  link.stop()
}, 120_000)

test('a reader who takes nothing is sent away and costs no memory; the mailbox keeps what was not taken', async () => {
  const { bob, cursor } = await missing()
  const after = `(${parseCursor(cursor)?.n}-0`
  const kept = (await deps.host.redis().xrange(`relay:{${bob.id}}`, after, '+')).length
  const ticket = await createTicket(world.node, bob)
  const url = `ws://127.0.0.1:${world.node.port}/api/v1/ws?ticket=${ticket}`
  const before = { memory: process.memoryUsage().rss, sockets: openSockets.count() }
  const deaf = Bun.spawn([process.execPath, join(import.meta.dir, '_deaf.ts'), url, cursor], {
    stdout: 'pipe',
  })
  for await (const _ of deaf.stdout) break
  deaf.kill('SIGSTOP')
  await eventually(() => expect(openSockets.count()).toBe(before.sockets + 1))
  await eventually(() => expect(openSockets.count()).toBe(before.sockets), 30_000)
  expect(process.memoryUsage().rss - before.memory).toBeLessThan(64 << 20)
  deaf.kill('SIGKILL')
  const back = await world.open(bob, { cursor })
  await eventually(() => expect(back.all('event').length).toBe(kept), 30_000)
}, 120_000)

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

test('what was enqueued comes again to a socket that was told of a gap', async () => {
  const ada = await deps.createUser()
  const item = { queueId: newId(), userId: ada.id, type: 'reminder.due', data: { text: 'tea' } }
  const enqueued = await deps.host.peer('message', 'relay')('http://relay/internal/v1/queue', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(item),
  })
  expect(enqueued.status).toBe(201)
  const frames = `relay:{${ada.id}}`
  await eventually(async () => expect(await deps.host.redis().exists(frames)).toBe(1))
  await deps.host.redis().unlink(frames, `${frames}:meta`)
  const socket = await world.open(ada, { cursor: '1.elsewhere-7' })
  await eventually(() => expect(socket.one('gap').reason).toBe('epoch'))
  await eventually(() => expect(socket.one('event').event).toMatchObject({ id: item.queueId }))
})
