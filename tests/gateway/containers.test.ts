import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { standIn, testGateway } from '@plaza/infra/gateway'
import { z } from 'zod'
import { echo, sendRaw, serveForwardAuth } from './_stand-ins.ts'

// The gateway learns of the containers by the labels of compose.yaml, as they are; Docker and what is in them is played.
const Compose = z.object({
  services: z.record(z.string(), z.object({ labels: z.record(z.string(), z.string()).optional() })),
})
const compose = Compose.parse(
  Bun.YAML.parse(await Bun.file(join(import.meta.dir, '../../compose.yaml')).text()),
)
const portLabel = /^traefik\.http\.services\.\w+\.loadbalancer\.server\.port$/
const service = standIn(echo)
const containers = Object.entries(compose.services).flatMap(([name, { labels }]) =>
  labels ? [container(name, labels)] : [],
)
const docker = serveDocker()
const gateway = await testGateway({ INSTANCES_PROVIDER: 'docker' }, docker.url)
const forwardAuth = serveForwardAuth(gateway)
afterAll(async () => {
  await Promise.all([gateway.stop(), forwardAuth.stop(), service.stop(), docker.stop()])
})

function container(name: string, labels: Record<string, string>) {
  const { port } = new URL(service.url)
  const own = Object.entries(labels).map(([key, value]) => [key, portLabel.test(key) ? port : value])
  const place = { 'com.docker.compose.project': 'plaza', 'com.docker.compose.service': name }
  return {
    Id: name,
    Name: `/plaza-${name}-1`,
    Created: new Date().toISOString(),
    State: { Status: 'running', Running: true },
    Config: { Labels: { ...Object.fromEntries(own), ...place } },
    HostConfig: { NetworkMode: 'plaza_backend' },
    NetworkSettings: { Networks: { plaza_backend: { IPAddress: '127.0.0.1' } } },
  }
}

/** As much of Docker's HTTP API as Traefik asks for. */
function serveDocker() {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    fetch: (request) => {
      const path = new URL(request.url).pathname.replace(/^\/v1\.\d+/, '')
      if (path === '/_ping') return new Response('OK', { headers: { 'api-version': '1.47' } })
      if (path === '/version') return Response.json({ Version: '28.0.0', ApiVersion: '1.47' })
      if (path === '/events') return new Response(new ReadableStream())
      if (path === '/containers/json') return Response.json(containers.map(({ Id }) => ({ Id })))
      const found = containers.find(({ Id }) => path === `/containers/${Id}/json`)
      return found ? Response.json(found) : new Response(null, { status: 404 })
    },
  })
  return { url: `tcp://127.0.0.1:${server.port}`, stop: () => server.stop(true) }
}

const known = { authorization: 'Bearer ada' }
const ask = async (path: string) => (await fetch(gateway.url + path, { headers: known })).status

test('every container has its routes by its labels', async () => {
  expect(containers.map(({ Id }) => Id)).toEqual(['pages', 'auth', 'user', 'message', 'relay', 'websocket'])
  const paths = [
    '/docs',
    '/api/v1/auth/login',
    '/api/v1/contacts',
    '/api/v1/conversations',
    '/api/v1/queue',
    '/api/v1/ws',
  ]
  while ((await Promise.all(paths.map(ask))).some((status) => status !== 200)) await Bun.sleep(50)
})

test.each(containers.map(({ Id }) => Id))(
  'the name of container %s as the host leads nowhere',
  async (name) => {
    for (const host of [`${name}-plaza`, `plaza-${name}-1`, name])
      for (const path of ['/metrics', '/health/ready', '/internal/v1/users/x']) {
        const { body } = await sendRaw(gateway.url, path, { host })
        // What stands for every container answers with what has reached it; the page of errors does, too, as `/problem/404`.
        expect(JSON.parse(body)).toMatchObject({ path: '/problem/404' })
      }
  },
)
