import { connect, type Socket } from 'node:net'

export type Server = { host: string[]; port: number[]; path?: string | undefined }

/**
 * Opens a socket to Postgres that ends by itself when what was sent had no answer for `answerMs`. A statement's own
 * time-out is kept by the server, and a server that vanished without a word keeps none: the socket, and with it every
 * statement, would wait for a quarter of an hour until TCP gives up.
 */
export function openSqlSocket({ host, port, path }: Server, answerMs: number): Socket {
  const socket = path ? connect(path) : connect(port[0] ?? 5_432, host[0])
  let answered = 0
  let waitingSince = 0
  socket.on('data', () => {
    answered = socket.bytesWritten
    waitingSince = 0
  })
  const look = () => {
    if (socket.bytesWritten === answered) waitingSince = 0
    else if (waitingSince === 0) waitingSince = performance.now()
    else if (performance.now() - waitingSince > answerMs)
      socket.destroy(Object.assign(new Error('Postgres does not answer'), { code: 'ETIMEDOUT' }))
  }
  const looking = setInterval(look, answerMs / 4)
  looking.unref()
  socket.on('close', () => clearInterval(looking))
  return socket
}
