import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.ts'
import { servePages } from './pages.ts'
import { type Instances, instancesInForce, startTraefik, writeInstances } from './parts/traefik.ts'
import { freePort } from './ports.ts'
import { folderVariable } from './testing.ts'

type Handler = (request: Request) => Response | Promise<Response>

export type TestGateway = {
  url: string
  /** Where the forward-auth of the gateway is asked; the test brings what answers there. */
  authPort: number
  certificates: Certificates
  /** Changes where the gateway finds the services named, and waits until it does. */
  route(instances: Instances): Promise<void>
  stop(): Promise<void>
}

/**
 * The real gateway with the real routes, before services that the test brings itself, or before the containers of the
 * Docker whose address is given. Call `stop` in afterAll.
 */
export const testGateway = async (
  env: Record<string, string> = {},
  docker?: string,
): Promise<TestGateway> => {
  const dir = await mkdtemp(join(process.env[folderVariable] ?? tmpdir(), 'plaza-gateway-'))
  const [port, adminPort, authPort, pagesPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const pages = servePages(pagesPort)
  const certificates = await makeCertificates(['127.0.0.1'])
  const authority = join(dir, 'authority.pem')
  await writeFile(authority, certificates.authority)
  await writeInstances(dir, { pages: [pages.url] })
  const traefik = await startTraefik({
    dir,
    port,
    host: '127.0.0.1',
    adminPort,
    env: {
      FORWARD_AUTH_URL: `https://127.0.0.1:${authPort}/internal/v1/forward-auth`,
      FORWARD_AUTH_CA_FILE: authority,
      ...env,
    },
    docker,
    logFile: join(dir, 'traefik.log'),
    progress: () => undefined,
  })
  return {
    url: traefik.url,
    authPort,
    certificates,
    route: async (instances) => {
      await writeInstances(dir, { pages: [pages.url], ...instances })
      for (const [name, urls] of Object.entries(instances)) await instancesInForce(adminPort, name, urls)
    },
    stop: async () => {
      await Promise.all([traefik.kill(), pages.stop()])
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A server that answers as the handler says and is ready from the start, in the place of a service. */
export const standIn = (handler: Handler): { url: string; stop(): Promise<void> } => {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request) => (request.url.endsWith('/health/ready') ? new Response('ready') : handler(request)),
  })
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) }
}
