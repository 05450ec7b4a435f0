import { request as send } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import type { TestGateway } from '@plaza/infra/gateway'
import { z } from 'zod'

export const Seen = z.object({ path: z.string(), headers: z.record(z.string(), z.string()) })

/** What a stand-in answers: the path and headers that reached it. */
export const echo = (request: Request): Response =>
  Response.json({ path: new URL(request.url).pathname, headers: Object.fromEntries(request.headers) })

/** Takes the place of auth's forward-auth; a bearer token is the user's id, and none is a 401. */
export const serveForwardAuth = (
  gateway: TestGateway,
  hear: (request: Request) => void = () => undefined,
) => {
  const { certificate: cert, key } = gateway.certificates
  const server = Bun.serve({
    port: gateway.authPort,
    hostname: '127.0.0.1',
    http2: true,
    tls: { cert, key },
    fetch: (request) => {
      hear(request)
      const user = request.headers.get('authorization')?.replace('Bearer ', '')
      if (!user) return Response.json({ code: 'unauthenticated' }, { status: 401 })
      const identity = { 'x-user-id': user, 'x-user-role': 'user', 'x-session-id': `session-${user}` }
      return new Response(null, { headers: identity })
    },
  })
  return { stop: () => server.stop(true) }
}

export type RawAnswer = { status: number; body: string }

/** A request exactly as given: `fetch` would tidy the path and the headers. */
export const sendRaw = (
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const request = send({ hostname, port, path, headers }, async (response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve({ status: response.statusCode ?? 0, body })
    })
    request.on('error', reject)
    request.end()
  })

/** The status and all of the answer to a request that no client of ours would send: its first line and headers are given. */
export const sendLines = async (url: string, lines: string[]): Promise<RawAnswer> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'))
  let answer = ''
  for await (const chunk of socket) answer += chunk
  const [head = '', ...body] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body: body.join('\r\n\r\n') }
}

/** A POST of which all but the first byte of the body never comes. It stays open until destroyed. */
export const leaveUnfinished = (url: string, path: string, headers: Record<string, string>): Socket => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const all = { host: hostname, 'content-type': 'application/json', 'content-length': '1000', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  socket.write([`POST ${path} HTTP/1.1`, ...lines, '', '{'].join('\r\n'))
  return socket
}

/** A service that is found healthy and answers as long as `well`, and otherwise hangs up on every request. */
export const serveMoody = async () => {
  const mood = { well: true, asked: 0 }
  const answer = (socket: Socket, body: string) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (chunk) => {
      if (chunk.toString('latin1').includes(' /health/ready ')) return answer(socket, 'ready')
      mood.asked++
      return mood.well ? answer(socket, 'fine') : socket.destroy()
    })
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { url: `http://127.0.0.1:${address.port}`, mood, stop: () => server.close() }
}
