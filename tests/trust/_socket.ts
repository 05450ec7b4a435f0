import { connect } from 'node:net'
import { z } from 'zod'

/** A socket that has said hello, as any client's. */
export type OpenSocket = {
  isOpen(): boolean
  /** Settles with the close code. */
  closed: Promise<number>
  close(): void
}

const Ticket = z.object({ ticket: z.string() })

/** A ticket for whom a token belongs to. Throws when it is refused. */
export async function takeTicket(base: string, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${base}/api/v1/ws/ticket`, { method: 'POST', headers })
  if (answer.status !== 201) throw new Error(`a ticket was refused: ${answer.status}`)
  return Ticket.parse(await answer.json()).ticket
}

/** Opens a socket by a ticket and waits until it is served. */
export async function openSocket(base: string, token: string): Promise<OpenSocket> {
  const ticket = await takeTicket(base, token)
  const socket = new WebSocket(`${base.replace('http', 'ws')}/api/v1/ws?ticket=${ticket}`)
  const ready = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<number>()
  socket.onopen = () => socket.send(JSON.stringify({ type: 'hello' }))
  socket.onmessage = ({ data }) => {
    if (String(data).includes('"ready"')) ready.resolve()
  }
  socket.onclose = ({ code }) => {
    ready.reject(new Error(`the socket was closed: ${code}`))
    closed.resolve(code)
  }
  await ready.promise
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    closed: closed.promise,
    close: () => socket.close(),
  }
}

export type RawAnswer = { status: number; text: string }

/** One request exactly as given, line by line, and what came back; `fetch` would tidy path and headers. */
export const sendLines = (base: string, first: string, headers: string[] = []): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(base)
    const socket = connect(Number(port), hostname)
    let text = ''
    const settle = () => {
      const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? []
      if (status) resolve({ status: Number(status), text })
      else reject(new Error(`no answer to ${first}: ${text}`))
      socket.destroy()
    }
    const isLasting = headers.some((line) => /^connection:/i.test(line))
    const lines = [first, `Host: ${host}`, ...(isLasting ? [] : ['Connection: close']), ...headers]
    socket.on('connect', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (isLasting && text.includes('\r\n\r\n')) settle()
    })
    socket.on('error', reject)
    socket.on('close', settle)
  })

/** Shows a ticket and answers the status: 101 when it opened a socket, which is closed at once. */
export const showTicket = async (base: string, ticket: string): Promise<number> => {
  const { status } = await sendLines(base, `GET /api/v1/ws?ticket=${ticket} HTTP/1.1`, [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ])
  return status
}
