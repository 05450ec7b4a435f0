import { expect, test } from 'bun:test'
import { defineEvent } from '@plaza/kit/events'
import { newId } from '@plaza/kit/id'
import { toRow } from '@plaza/kit/outbox'
import { eventually } from '@plaza/kit/testing'
import { blockAdded } from '@plaza/user/events'
import { z } from 'zod'
import { startSlowLink } from './_slow-link.ts'
import { TestSocket } from './_socket.ts'
import { createTicket, startWorld } from './_world.ts'

const world = await startWorld(import.meta.path, { OFFLINE_AFTER_SECONDS: '1' })
const { deps } = world

/** Stands in for user: pairs of viewer and viewed of whom nothing may be seen. */
const hidden = new Set<string>()
const Asked = z.object({ viewerId: z.uuid(), userIds: z.array(z.uuid()) })
let away = false
let refused = 0
/** Whoever asks how far contacts have changed waits for this. */
let countersKnown = Promise.resolve()
const asked = new Set<string>()
deps.host.local.set('user', async (request) => {
  if (away) refused += 1
  if (away) return new Response(null, { status: 503 })
  if (!request.url.endsWith('/presence/visible')) {
    await countersKnown
    return new Response(null, { status: 503 })
  }
  const { viewerId, userIds } = Asked.parse(await request.json())
  asked.add(viewerId)
  return Response.json({ userIds: userIds.filter((userId) => !hidden.has(`${viewerId} ${userId}`)) })
})

const shown = (socket: TestSocket, userId: string) =>
  socket
    .all('presence')
    .filter((frame) => frame.userId === userId)
    .map(({ status }) => status)

test('who watches is shown how a person is, over several devices and nodes', async () => {
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  const other = await world.addNode()
  const watcher = await world.open(ada)
  watcher.say({ type: 'watch', userIds: [bob.id] })
  await eventually(() => expect(shown(watcher, bob.id)).toEqual(['offline']))
  expect(watcher.one('presence').lastSeenAt).toBeNull()
  const phone = await world.open(bob, { at: other })
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('online'))
  phone.say({ type: 'presence', status: 'away' })
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('away'))
  const laptop = await world.open(bob)
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('online'))
  laptop.close()
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('away'))
  phone.close()
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('offline'))
  expect(Date.parse(watcher.one('presence').lastSeenAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
})

test('somebody blocked, hidden or unknown looks the same: offline, never seen', async () => {
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  hidden.add(`${ada.id} ${bob.id}`)
  const nobody = newId()
  const watcher = await world.open(ada)
  await world.open(bob)
  watcher.say({ type: 'watch', userIds: [bob.id, nobody] })
  await eventually(() => expect(watcher.all('presence')).toHaveLength(2))
  const looks = watcher.all('presence').map(({ userId, ...look }) => look)
  expect(looks[0]).toEqual({ type: 'presence', status: 'offline', lastSeenAt: null })
  expect(looks[1]).toEqual(looks[0])
})

test('a block hides a person from one who watches already', async () => {
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  const [watcher] = [await world.open(ada), await world.open(bob)]
  watcher.say({ type: 'watch', userIds: [bob.id] })
  await eventually(() => expect(shown(watcher, bob.id)).toEqual(['online']))
  hidden.add(`${ada.id} ${bob.id}`)
  const data = { userId: bob.id, otherId: ada.id, state: 'none' as const, blocked: true, version: 1 }
  await world.nats.publish(toRow(blockAdded.emit({ subject: bob.id, data, recipients: [bob.id] })))
  await eventually(() => expect(shown(watcher, bob.id)).toEqual(['online', 'offline']))
  expect(watcher.one('presence').lastSeenAt).toBeNull()
})

test('a change that comes while user is away hides a person from all who watch, once user is back', async () => {
  const [ada, eve, bob] = [await deps.createUser(), await deps.createUser(), await deps.createUser()]
  const watchers = [await world.open(ada), await world.open(eve)]
  await world.open(bob)
  for (const watcher of watchers) watcher.say({ type: 'watch', userIds: [bob.id] })
  for (const watcher of watchers) await eventually(() => expect(shown(watcher, bob.id)).toEqual(['online']))
  for (const { id } of [ada, eve]) hidden.add(`${id} ${bob.id}`)
  away = true
  world.nats.connection.publish(`evt.privacy.changed.${bob.id}`, JSON.stringify({ data: { userId: bob.id } }))
  await eventually(() => expect(refused).toBeGreaterThan(3))
  away = false
  for (const watcher of watchers)
    await eventually(() => expect(shown(watcher, bob.id)).toEqual(['online', 'offline']))
})

test('who does not watch any more is shown nothing', async () => {
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  const [first, second] = [await world.open(ada), await world.open(await deps.createUser())]
  for (const socket of [first, second]) socket.say({ type: 'watch', userIds: [bob.id] })
  await eventually(() =>
    expect([shown(first, bob.id), shown(second, bob.id)]).toEqual([['offline'], ['offline']]),
  )
  first.say({ type: 'unwatch', userIds: [bob.id] })
  await world.open(bob)
  await eventually(() => expect(shown(second, bob.id)).toEqual(['offline', 'online']))
  expect(shown(first, bob.id)).toEqual(['offline'])
})

test('who was asked for before the socket was ready is shown once it is', async () => {
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  await world.open(bob)
  const known = Promise.withResolvers<void>()
  countersKnown = known.promise
  const watcher = await world.connect(ada)
  watcher.say({ type: 'hello', cursor: '1.elsewhere-7' })
  watcher.say({ type: 'watch', userIds: [bob.id] })
  await eventually(() => expect(asked).toContain(ada.id))
  expect(watcher.frames).toEqual([])
  known.resolve()
  await eventually(() => expect(shown(watcher, bob.id)).toEqual(['online']))
})

test('what a socket was too far behind to be shown is shown once it has caught up', async () => {
  await world.startMessage()
  const [ada, bob, eve] = [await deps.createUser(), await deps.createUser(), await deps.createUser()]
  const link = await startSlowLink(world.node.port, 50_000_000)
  const ticket = await createTicket(world.node, ada)
  const behind = new TestSocket(`ws://127.0.0.1:${link.port}/api/v1/ws?ticket=${ticket}`)
  await behind.opened
  behind.say({ type: 'hello' })
  behind.say({ type: 'watch', userIds: [bob.id] })
  const witness = await world.open(await deps.createUser())
  witness.say({ type: 'watch', userIds: [bob.id] })
  for (const socket of [behind, witness])
    await eventually(() => expect(shown(socket, bob.id)).toEqual(['offline']))
  link.hold()
  // More than the line holds.
  await world.publish([ada.id], 200, { text: 'ä'.repeat(16_000) })
  await eventually(async () => expect(await deps.host.redis().xlen(`relay:{${ada.id}}`)).toBe(200))
  await world.open(bob)
  await eventually(() => expect(shown(witness, bob.id)).toEqual(['offline', 'online']))
  asked.delete(ada.id)
  behind.say({ type: 'watch', userIds: [eve.id] })
  await eventually(() => expect(asked).toContain(ada.id))
  link.release()
  await eventually(() => expect(shown(behind, bob.id)).toEqual(['offline', 'online']))
  await eventually(() => expect(shown(behind, eve.id)).toEqual(['offline']))
  link.stop()
})

test('a socket watches so many and no more', async () => {
  const socket = await world.open(await deps.createUser())
  socket.say({ type: 'watch', userIds: Array.from({ length: 200 }, newId) })
  await eventually(() => expect(socket.all('presence')).toHaveLength(200))
  socket.say({ type: 'watch', userIds: [newId()] })
  expect((await eventually(() => socket.one('error'))).problem.reason).toBe('too_many_watched')
})

/** As auth declares it. */
const userDeleted = defineEvent(
  'auth',
  'user.deleted',
  z.object({ userId: z.uuid(), deletedAt: z.iso.datetime() }),
)

test('nothing of an erased person is written again when their socket closes', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const redis = deps.host.redis()
  const keys = () => redis.keys(`relay:{${ada.id}}*`)
  const data = { userId: ada.id, deletedAt: new Date().toISOString() }
  await world.nats.publish(toRow(userDeleted.emit({ subject: ada.id, data })))
  await eventually(async () => expect(await keys()).toEqual([`relay:{${ada.id}}:meta`]))
  const told: string[] = []
  const callback = () => void told.push(ada.id)
  world.nats.connection.subscribe(`presence.${ada.id}`, { callback })
  socket.say({ type: 'presence', status: 'away' })
  await eventually(() => expect(told).toHaveLength(1))
  socket.close()
  await eventually(() => expect(told).toHaveLength(2))
  expect(await keys()).toEqual([`relay:{${ada.id}}:meta`])
})

test('watching many people costs more than a frame, however often the same are watched', async () => {
  const watcher = await world.open(await deps.createUser())
  const userIds = Array.from({ length: 200 }, newId)
  for (let time = 0; time < 8; time += 1) watcher.say({ type: 'watch', userIds })
  const { problem } = await eventually(() => watcher.all('error')[0] ?? expect.unreachable())
  expect(problem).toMatchObject({ code: 'limited', reason: 'over_budget' })
})

test('how a person is, said in vain while Redis was away, is shown when it is said again', async () => {
  const [ada, bob] = [await deps.createUser(), await deps.createUser()]
  const [watcher, socket] = [await world.open(ada), await world.open(bob)]
  watcher.say({ type: 'watch', userIds: [bob.id] })
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('online'))
  await deps.parts.redis.kill()
  socket.say({ type: 'presence', status: 'away' })
  await eventually(() => socket.one('error'))
  await deps.parts.redis.restart()
  await eventually(() => expect(deps.host.redis().status).toBe('ready'))
  socket.say({ type: 'presence', status: 'away' })
  // Long before all who are watched are looked at again.
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('away'), 5_000)
})

test('of many who change at once, one who cannot be read keeps nobody else from being shown', async () => {
  const [first, second, broken, bob] = await Promise.all(Array.from({ length: 4 }, () => deps.createUser()))
  if (!first || !second || !broken || !bob) throw new Error('nobody is there')
  const watched = [[broken.id, ...Array.from({ length: 199 }, newId)], [bob.id]]
  for (const [index, watcher] of [first, second].entries())
    (await world.open(watcher)).say({ type: 'watch', userIds: watched[index] })
  const watcher = await world.open(second)
  watcher.say({ type: 'watch', userIds: [bob.id] })
  await eventually(() => expect(shown(watcher, bob.id)).toEqual(['offline']))
  await eventually(() => expect(asked).toContain(first.id))
  const redis = deps.host.redis()
  await redis.set(`relay:{${broken.id}}:nodes`, 'no hash')
  await redis.hset(`relay:{${bob.id}}:nodes`, 'elsewhere', `${Date.now() + 60_000} online`)
  for (const userId of watched.flat()) world.nats.connection.publish(`presence.${userId}`)
  await eventually(() => expect(shown(watcher, bob.id).at(-1)).toBe('online'), 5_000)
})
