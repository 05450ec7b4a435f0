/**
 * Load generator, a process of its own: opens many sockets and holds them. A line of JSON on standard
 * input is a command, a line on standard output its answer; `end` lets go of everything.
 */
import { eachOf, openSocket } from './socket.ts'

export type Connect = {
  do: 'connect'
  urls: string[]
  /** Where each goes on; from now when absent. */
  cursors?: string[]
  atOnce: number
  /** Events that must have arrived in all before the command is done. */
  expect?: number
}
export type Drop = { do: 'drop' }
export type Connected = { readySeconds: number; doneSeconds: number; connected: number; received: number }
/** The last cursor of each socket, in the order of the addresses. */
export type Dropped = { cursors: string[] }

const patienceMs = 60_000
let sockets: WebSocket[] = []
let cursors: string[] = []

async function connect({ urls, cursors: from, atOnce, expect = 0 }: Connect): Promise<Connected> {
  const startedAt = performance.now()
  const since = () => (performance.now() - startedAt) / 1_000
  const seen = new Set<string>()
  const all = Promise.withResolvers<void>()
  sockets = []
  cursors = urls.map((_, index) => from?.[index] ?? '')
  if (expect === 0) all.resolve()
  await eachOf(urls, atOnce, async (url, index) => {
    const { socket, cursor } = await openSocket(url, from?.[index])
    cursors[index] = cursor
    sockets.push(socket)
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data)
      if (frame.cursor) cursors[index] = frame.cursor
      if (frame.type !== 'event') return
      seen.add(`${index} ${frame.event.id}`)
      if (seen.size === expect) all.resolve()
    }
  })
  const readySeconds = since()
  await Promise.race([all.promise, Bun.sleep(patienceMs)])
  return { readySeconds, doneSeconds: since(), connected: sockets.length, received: seen.size }
}

function drop(): Dropped {
  for (const socket of sockets) socket.terminate()
  sockets = []
  return { cursors }
}

for await (const line of console) {
  const command: Connect | Drop | { do: 'end' } = JSON.parse(line)
  if (command.do === 'end') process.exit(0)
  console.log(JSON.stringify(command.do === 'connect' ? await connect(command) : drop()))
}
