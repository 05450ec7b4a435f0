/**
 * Load generator, a process of its own: opens many sockets and holds them. A line of JSON on standard
 * input is a command, a line on standard output its answer; `end` lets go of everything.
 */
import { eachOf, openSocket } from './socket.ts'

type Command =
  | { do: 'connect'; urls: string[]; cursors?: (string | null)[]; atOnce: number }
  | { do: 'drop' }
  | { do: 'end' }
export type Connected = { seconds: number; connected: number; cursors: (string | null)[] }
export type Dropped = { cursors: (string | null)[]; events: string[] }

let sockets: WebSocket[] = []
let cursors: (string | null)[] = []
const events: string[] = []

async function connect({
  urls,
  cursors: from = [],
  atOnce,
}: Extract<Command, { do: 'connect' }>): Promise<Connected> {
  const startedAt = performance.now()
  sockets = []
  cursors = urls.map((_, index) => from[index] ?? null)
  let caughtUp = performance.now()
  await eachOf(urls, atOnce, async (url, index) => {
    const socket = await openSocket(url, from[index] ?? undefined)
    caughtUp = performance.now()
    sockets.push(socket)
    socket.onmessage = ({ data }) => note(index, data)
  })
  return { seconds: (caughtUp - startedAt) / 1_000, connected: sockets.length, cursors }
}

function note(index: number, data: string) {
  const frame = JSON.parse(data)
  if (frame.cursor) cursors[index] = frame.cursor
  if (frame.type === 'event') events.push(frame.event.id)
}

async function drop(): Promise<Dropped> {
  for (const socket of sockets) socket.terminate()
  return { cursors, events }
}

for await (const line of console) {
  const command: Command = JSON.parse(line)
  if (command.do === 'end') process.exit(0)
  console.log(JSON.stringify(command.do === 'connect' ? await connect(command) : await drop()))
}
