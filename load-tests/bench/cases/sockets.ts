import { converse } from '../child.ts'
import type { Connect, Connected, Drop, Dropped } from '../hold-sockets.ts'
import { perSecond, type Row } from '../row.ts'
import { createStrangers } from '../strangers.ts'
import { residentBytes } from '../usage.ts'
import type { World } from '../world.ts'

const idleSockets = 15_000
const stormSockets = 5_000
const queuedFrames = 4_000

/** Many idle sockets, a storm of returning ones, and one that was long away. */
export async function sockets(world: World): Promise<Row[]> {
  const strangers = await createStrangers(world)
  const { services } = await world.plaza.run()
  const process = services.find(({ services }) => services.some(({ name }) => name === 'websocket'))
  const port = process?.services.find(({ name }) => name === 'websocket')?.port
  const node = { pid: process?.pid ?? 0, url: `http://127.0.0.1:${port}` }
  try {
    return [
      ...(await holdIdle(strangers, node)),
      await rideStorm(strangers, node.url),
      await drainQueue(strangers, world.plaza.url),
    ]
  } finally {
    await strangers.end()
  }
}

type Strangers = Awaited<ReturnType<typeof createStrangers>>

async function holdIdle(strangers: Strangers, node: { pid: number; url: string }): Promise<Row[]> {
  const generator = converse('hold-sockets.ts')
  const urls = await strangers.socketUrls(strangers.make(idleSockets), node.url)
  await Bun.sleep(3_000)
  const before = residentBytes(node.pid)
  const held = await generator.ask<Connected>({ do: 'connect', urls, atOnce: 200 } satisfies Connect)
  await Bun.sleep(10_000)
  const each = (residentBytes(node.pid) - before) / held.connected / 1_024
  const rate = held.connected / held.readySeconds
  generator.end()
  await Bun.sleep(3_000)
  return [
    {
      what: `idle sockets with a live mailbox, at the node's own port`,
      measured: `${held.connected.toLocaleString('en')}, ${each.toFixed(1)} KB of the node's memory each`,
      must: '15,000, ≤ 8 KB each',
      reached: held.connected === idleSockets && each <= 8,
    },
    {
      what: 'connecting them, tickets made before',
      measured: perSecond(rate),
      must: '≥ 2,000/s',
      reached: rate >= 2_000,
    },
  ]
}

async function rideStorm(strangers: Strangers, url: string): Promise<Row> {
  const generator = converse('hold-sockets.ts')
  const users = strangers.make(stormSockets)
  const urls = await strangers.socketUrls(users, url)
  await generator.ask<Connected>({ do: 'connect', urls, atOnce: 200 } satisfies Connect)
  const { cursors } = await generator.ask<Dropped>({ do: 'drop' } satisfies Drop)
  await strangers.mail(users, 2)
  const again = await strangers.socketUrls(users, url)
  const expect = 2 * stormSockets
  const back = await generator.ask<Connected>({
    do: 'connect',
    urls: again,
    cursors,
    atOnce: stormSockets,
    expect,
  } satisfies Connect)
  generator.end()
  return {
    what: 'reconnect storm: 5,000 sockets dropped, resume with cursor, two messages waiting for each',
    measured: `all back in ${back.doneSeconds.toFixed(1)} s, ${back.received.toLocaleString('en')} of ${expect.toLocaleString('en')} messages`,
    must: '≤ 6 s, no message missed',
    reached: back.doneSeconds <= 6 && back.received === expect,
  }
}

async function drainQueue(strangers: Strangers, url: string): Promise<Row> {
  const generator = converse('hold-sockets.ts')
  const users = strangers.make(1)
  await generator.ask<Connected>({
    do: 'connect',
    urls: await strangers.socketUrls(users, url),
    atOnce: 1,
  } satisfies Connect)
  const { cursors } = await generator.ask<Dropped>({ do: 'drop' } satisfies Drop)
  await strangers.mail(users, queuedFrames)
  const urls = await strangers.socketUrls(users, url)
  const back = await generator.ask<Connected>({
    do: 'connect',
    urls,
    cursors,
    atOnce: 1,
    expect: queuedFrames,
  } satisfies Connect)
  generator.end()
  return {
    what: `${queuedFrames.toLocaleString('en')} queued frames drained to a returning device, through the gateway`,
    measured: `${back.received.toLocaleString('en')} in ${back.doneSeconds.toFixed(2)} s`,
    must: '≤ 0.5 s',
    reached: back.received === queuedFrames && back.doneSeconds <= 0.5,
  }
}
