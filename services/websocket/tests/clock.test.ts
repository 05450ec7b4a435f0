import { afterEach, expect, setSystemTime, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path, { CHECK_SECONDS: '2' })
const { deps } = world
const anHourMs = 3_600_000

afterEach(() => void setSystemTime())

test('when the clock is set back, a wake-up that was lost is still noticed', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  const nodes = `relay:{${ada.id}}:nodes`
  await deps.host.redis().del(nodes)
  // The node has looked at the mailbox and put itself back.
  await eventually(async () => expect(await deps.host.redis().exists(nodes)).toBe(1))
  setSystemTime(Date.now() - anHourMs)
  await deps.host.redis().del(nodes)
  const texts = await world.publish([ada.id], 3)
  await eventually(() => expect(textsOf(socket)).toEqual(texts))
})

test('when the clock is set back, no socket is taken to have said too much', async () => {
  const socket = await world.open(await deps.createUser())
  setSystemTime(Date.now() - anHourMs)
  socket.say({ type: 'ping' })
  await eventually(() => socket.one('pong'))
})
