import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path)
const { deps } = world

test('an event reaches every open socket of its recipients, in order, and nobody else', async () => {
  const [ada, bob, eve] = await Promise.all([deps.createUser(), deps.createUser(), deps.createUser()])
  const sockets = await Promise.all([world.open(ada), world.open(ada), world.open(bob), world.open(eve)])
  const texts = await world.publish([ada.id, bob.id], 50)
  await eventually(() => {
    for (const socket of sockets.slice(0, 3)) expect(textsOf(socket)).toEqual(texts)
  })
  expect(sockets[3]?.all('event')).toEqual([])
})

test('a device that comes back with its cursor gets what it missed and nothing twice', async () => {
  const ada = await deps.createUser()
  const before = await world.open(ada)
  const first = await world.publish([ada.id], 5)
  await eventually(() => expect(textsOf(before)).toEqual(first))
  const { cursor } = before
  before.close()
  await before.closed
  const missed = await world.publish([ada.id], 700, { from: 5 })
  const after = await world.open(ada, { cursor })
  expect(after.one('ready').resumed).toBe(true)
  // All of it comes by itself, page after page: nothing else happens in this mailbox.
  await eventually(() => expect(textsOf(after)).toEqual(missed))
  const live = await world.publish([ada.id], 20, { from: 705 })
  await eventually(() => expect(textsOf(after)).toEqual([...missed, ...live]))
})
