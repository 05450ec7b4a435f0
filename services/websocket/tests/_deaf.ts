// Says hello on a socket and reads nothing from then on, until whoever started it ends it.
import { writeSync } from 'node:fs'

const [, , url = '', cursor] = process.argv
const socket = new WebSocket(url)
socket.addEventListener('open', () => {
  socket.send(JSON.stringify({ type: 'hello', cursor }))
  writeSync(1, 'hello')
  // Stopping it from outside may come late, when it has read all.
  Bun.sleepSync(120_000)
})
