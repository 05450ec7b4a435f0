import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { makeCertificates } from '../certificates.ts'
import { Failure } from '../failure.ts'
import { locate, type Progress } from '../tools/tool.ts'
import { traefik } from '../tools/traefik.ts'
import { launch, type Part } from './part.ts'

/** The addresses of every service's instances, by the name routes.yaml uses. */
export type Instances = Record<string, string[]>

export type TraefikOptions = {
  dir: string
  /** The public port, on every interface unless `host` names one. */
  port: number
  host?: string
  /** For probes and the supervisor, on the loopback. */
  adminPort: number
  /** What routes.yaml reads by `env`, and TRUSTED_PROXIES. */
  env: Record<string, string>
  /** Where a Docker is asked for containers as well, as in compose. */
  docker?: string | undefined
  logFile: string
  progress: Progress
}

const source = join(import.meta.dir, '../../traefik')

/**
 * Traefik's heap is small and much is thrown away, so by default it would collect all the time: with GOGC=400 a
 * request of a known user costs it 0.42 ms instead of 0.52, and some 75 MB more are held under load. A large heap,
 * as of many sockets, does not grow as far: from a quarter of the memory on it is collected at any price.
 */
const garbageCollection = {
  GOGC: '400',
  GOMEMLIMIT: `${Math.floor(totalmem() / 4)}B`,
}

/** Starts Traefik with the repository's configuration; call writeInstances before. Ready once its routes are in force. */
export const startTraefik = async (options: TraefikOptions): Promise<Part> => {
  const { dir, port, host = '', adminPort, env, docker, logFile, progress } = options
  const program = await locate(traefik, progress)
  const dynamic = await dynamicFolder(dir)
  await copyFile(join(source, 'routes.yaml'), join(dynamic, 'routes.yaml'))
  await writeCertificate(dynamic)
  const configFile = join(dir, 'traefik.yaml')
  await writeFile(
    configFile,
    await nativeConfiguration({ dynamic, address: `${host}:${port}`, adminPort, env, docker }),
  )
  return launch({
    name: 'traefik',
    url: `http://127.0.0.1:${port}`,
    port,
    command: [program, `--configFile=${configFile}`],
    env: { ...garbageCollection, ...env },
    log: logFile,
    ready: () => isEnabled(adminPort, 'routers/nothing@file'),
  })
}

/** Says where the instances are; a running Traefik takes it up within a moment. */
export const writeInstances = async (dir: string, instances: Instances) => {
  const services = Object.entries(instances).map(([name, urls]) => [
    name,
    { loadBalancer: balancer(name, urls) },
  ])
  const dynamic = await dynamicFolder(dir)
  const draft = join(dynamic, '.instances.draft')
  // JSON is YAML, too.
  await writeFile(draft, JSON.stringify({ http: { services: Object.fromEntries(services) } }, null, 2))
  await rename(draft, join(dynamic, 'instances.yaml'))
}

/**
 * Nobody speaks TLS with it, but without a certificate Traefik makes an RSA key at every start, up to a second's
 * work before its first route is in force.
 */
const writeCertificate = async (dynamic: string) => {
  const { certificate, key } = await makeCertificates(['localhost'])
  const defaultCertificate = { certFile: certificate, keyFile: key }
  const configuration = { tls: { stores: { default: { defaultCertificate } } } }
  await writeFile(join(dynamic, 'certificate.yaml'), JSON.stringify(configuration), { mode: 0o600 })
}

const patienceMs = 30_000

/**
 * Waits until a running Traefik sends a service's requests to exactly these addresses and finds them healthy. Throws
 * Failure when it does not within half a minute.
 */
export const instancesInForce = async (adminPort: number, name: string, urls: string[]) => {
  const wanted = urls.toSorted().join()
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await Bun.sleep(50)) {
    const status = await readService(adminPort, name).catch(() => undefined)
    const up = Object.entries(status ?? {}).filter(([, health]) => health === 'UP')
    const known = Object.keys(status ?? {})
    if (known.toSorted().join() === wanted && up.length === known.length) return
  }
  throw new Failure(`the gateway does not find ${name} healthy`)
}

const balancer = (name: string, urls: string[]) => ({
  servers: urls.map((url) => ({ url })),
  serversTransport: 'services',
  // Whichever has less to do would be the one that fails fastest.
  strategy: 'wrr',
  ...(name !== 'pages' && {
    healthCheck: { path: '/health/ready', interval: '500ms', unhealthyInterval: '500ms', timeout: '3s' },
  }),
})

const dynamicFolder = async (dir: string): Promise<string> => {
  const dynamic = join(dir, 'dynamic')
  await mkdir(dynamic, { recursive: true, mode: 0o700 })
  return dynamic
}

const Configuration = z.looseObject({
  entryPoints: z.looseObject({ web: z.looseObject({}), traefik: z.looseObject({}) }),
  providers: z.looseObject({ docker: z.looseObject({}) }),
})

type NativeOptions = Pick<TraefikOptions, 'adminPort' | 'env' | 'docker'> & {
  dynamic: string
  address: string
}

const nativeConfiguration = async ({ dynamic, address, adminPort, env, docker }: NativeOptions) => {
  const configuration = Configuration.parse(
    Bun.YAML.parse(await Bun.file(join(source, 'traefik.yaml')).text()),
  )
  configuration.entryPoints.web.address = address
  configuration.entryPoints.web.forwardedHeaders = { trustedIPs: env.TRUSTED_PROXIES ?? '' }
  configuration.entryPoints.traefik.address = `127.0.0.1:${adminPort}`
  // Without a throttle the routes are there before Traefik's own first configuration, which knows none.
  const providers = { providersThrottleDuration: '0s', file: { directory: dynamic, watch: true } }
  const containers = docker && { docker: { ...configuration.providers.docker, endpoint: docker } }
  return JSON.stringify({ ...configuration, providers: { ...providers, ...containers } }, null, 2)
}

const Service = z.object({ serverStatus: z.record(z.string(), z.string()).default({}) })

const readService = async (adminPort: number, name: string): Promise<Record<string, string>> => {
  const answer = await ask(adminPort, `services/${name}@file`)
  return Service.parse(await answer.json()).serverStatus
}

const isEnabled = (adminPort: number, item: string): Promise<boolean> =>
  ask(adminPort, item).then(
    (answer) => answer.ok,
    () => false,
  )

const ask = (adminPort: number, item: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${adminPort}/api/http/${item}`, { signal: AbortSignal.timeout(2_000) })
