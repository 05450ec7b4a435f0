import { expect, spyOn, test } from 'bun:test'
import { clientOf, eventually, scriptServer } from '../testing.ts'

/** A server with a heartbeat of a second that answers pings for as long as its line is good. */
function beating() {
  const server = scriptServer()
  const { script } = server
  const line = { isGood: true, pings: 0 }
  const ready = {
    type: 'ready',
    sessionId: 's',
    cursor: 'e-0',
    resumed: false,
    heartbeatSeconds: 1,
  } as const
  script.hello = (socket) => socket.send(ready)
  script.onFrame = (socket, { type }) => {
    if (type !== 'ping') return
    line.pings += 1
    if (line.isGood) socket.send({ type: 'pong' })
  }
  return { server, line }
}

test('a page whose timers were late, as in a hidden tab, keeps its socket where the line is good', async () => {
  const { server, line } = beating()
  const client = await clientOf(server)
  const states: string[] = []
  client.on('state', ({ state }) => states.push(state))
  await client.connect()
  await eventually(() => expect(line.pings).toBeGreaterThan(0))
  // The answer to the ping comes before this one.
  await fetch(server.url)
  // The test's server stands still for as long as the page does.
  Bun.sleepSync(1_500)
  const before = line.pings
  await eventually(() => expect(line.pings).toBeGreaterThan(before + 1))
  expect(states).toEqual(['connecting', 'live'])
})

test('a line that is dead is left', async () => {
  const { server, line } = beating()
  const client = await clientOf(server)
  await client.connect()
  line.isGood = false
  await eventually(() => expect(server.script.sockets).toHaveLength(2))
})

test('a line that is dead is left, though the clock of the device was set back', async () => {
  const { server, line } = beating()
  const client = await clientOf(server)
  await client.connect()
  line.isGood = false
  const now = Date.now
  const clock = spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000)
  try {
    await eventually(() => expect(server.script.sockets).toHaveLength(2))
  } finally {
    clock.mockRestore()
  }
})
