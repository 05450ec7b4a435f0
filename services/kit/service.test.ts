import { afterAll, expect, test } from 'bun:test'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createHost } from './host.ts'
import { type Service, startServices } from './service.ts'

const service: Service = {
  name: 'example',
  start: async () => ({
    fetch: () => new Response('reached'),
    ready: () => true,
    stop: async () => undefined,
  }),
}
const environment = {
  LOG_LEVEL: 'silent',
  NATS_URL: 'nats://127.0.0.1:1',
  REDIS_URL: 'redis://127.0.0.1:1',
  DRAIN_SECONDS: '0',
}
const started = await startServices(createHost(environment), [service], environment)
afterAll(() => started.stop())

const ask = async (path: string, host: string): Promise<string> => {
  const socket = connect(started.ports.example ?? 0, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

test('400 for a host that no URL can have, which shows nothing of the source', async () => {
  for (const host of ['%00', 'x:99999', '[::1', '1.2.3.4.5', 'xn--a', 'a:b:c']) {
    const answer = await ask('/api/v1/example', host)
    expect(answer).toStartWith('HTTP/1.1 400')
    expect(answer).toContain('application/problem+json')
    expect(answer).toContain('"code":"invalid"')
  }
  expect(await ask('/api/v1/example', 'plaza')).toEndWith('reached')
  expect(await ask('/health/live', 'plaza')).toEndWith('ok')
})
