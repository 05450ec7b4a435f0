import { afterAll, expect, test } from 'bun:test'
import { once } from 'node:events'
import { testGateway } from '@plaza/infra/gateway'
import { leaveUnfinished, serveForwardAuth } from './_stand-ins.ts'

const gateway = await testGateway()
const forwardAuth = serveForwardAuth(gateway)
const body = 'plaza '.repeat(1000)
const service = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request, server) => {
    if (request.url.endsWith('/ws') && server.upgrade(request)) return undefined
    if (request.url.endsWith('/events'))
      return new Response(`data: ${body}\n\n`, { headers: { 'content-type': 'text/event-stream' } })
    return new Response(body, { headers: { 'content-type': 'text/plain' } })
  },
  websocket: { message: (socket, message) => void socket.send(`heard ${message}`) },
})
await gateway.route({
  user: [`http://127.0.0.1:${service.port}`],
  websocket: [`http://127.0.0.1:${service.port}`],
})
afterAll(async () => {
  await Promise.all([gateway.stop(), forwardAuth.stop(), service.stop(true)])
})

test('a socket goes through the gateway', async () => {
  const heard = Promise.withResolvers<string>()
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/ws`)
  socket.onopen = () => socket.send('hello')
  socket.onmessage = ({ data }) => heard.resolve(String(data))
  socket.onerror = () => heard.reject(new Error('the socket failed'))
  expect(await heard.promise).toBe('heard hello')
  socket.close()
})

test('what is long is compressed, what is a stream is not', async () => {
  const headers = { authorization: 'Bearer ada', 'accept-encoding': 'gzip' }
  const long = await fetch(`${gateway.url}/api/v1/users/7`, { headers })
  expect(long.headers.get('content-encoding')).toBe('gzip')
  expect(await long.text()).toBe(body)
  const stream = await fetch(`${gateway.url}/api/v1/users/events`, { headers })
  expect(stream.headers.get('content-encoding')).toBeNull()
})

test('half a minute is given to a request, and any time to a socket', async () => {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/ws`)
  await once(socket, 'open')
  const unfinished = leaveUnfinished(gateway.url, '/api/v1/users/7', { authorization: 'Bearer ada' })
  unfinished.resume()
  await once(unfinished, 'close')

  socket.send('hello')
  const [{ data }] = await once(socket, 'message')
  expect(data).toBe('heard hello')
  socket.close()
}, 40_000)
