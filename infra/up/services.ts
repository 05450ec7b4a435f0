import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { launch, type Part } from '../parts/part.ts'
import type { Progress } from '../tools/tool.ts'
import { isMigrating } from './databases.ts'
import type { Keys } from './keys.ts'
import { addressesOf, type Plan, type ServiceProcess } from './plan.ts'
import { databaseOf, roleOf } from './registry.ts'

const runner = join(import.meta.dir, '../../services/run.ts')

type Surroundings = {
  plan: Plan
  keys: Keys
  postgresUrl: string
  natsUrl: string
  redisUrl: string
  mailFolder: string
}

type Start = {
  /** Gets its log lines. */
  hear: (line: string) => void
  progress: Progress
  unwanted: AbortSignal
}

/** Starts a process of services and waits until each of them takes requests, for as long as a migration takes. */
export const startServices = (
  wanted: ServiceProcess,
  around: Surroundings,
  { hear, progress, unwanted }: Start,
): Promise<Part> => {
  const [first] = wanted.services
  const port = first?.port ?? 0
  const names = wanted.services.map(({ name }) => name)
  return launch({
    name: wanted.name,
    url: `http://127.0.0.1:${port}`,
    port,
    command: [process.execPath, '--no-orphans', runner, ...names],
    env: { ...ownEnvironment(), ...environmentOf(wanted, around) },
    log: hear,
    ready: async () =>
      (await Promise.all(wanted.services.map((service) => isReady(service.port)))).every(Boolean),
    patienceSeconds: 60,
    atWork: async () => {
      const migrating = await isMigrating(around.postgresUrl, names)
      progress(migrating ? 'still starting: its database is being migrated' : 'still starting')
      return migrating
    },
    unwanted,
  })
}

/** Our own variables: the operator's settings reach the services and the gateway as they are. */
export const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )

/** A process gets the databases and keys of its own services and of no other. */
const environmentOf = (wanted: ServiceProcess, around: Surroundings): Record<string, string> => {
  const { plan, keys, natsUrl, redisUrl, mailFolder } = around
  const env: Record<string, string> = {
    HOST: '127.0.0.1',
    // Password hashing takes a thread for each core; signatures and files must not wait behind it.
    UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? String(availableParallelism() + 2),
    NATS_URL: natsUrl,
    REDIS_URL: redisUrl,
    SERVICE_JWKS_FILE: keys.serviceJwks,
    APP_URL: process.env.APP_URL ?? `http://localhost:${plan.ports.gateway}`,
    MAIL_DIR: process.env.MAIL_DIR ?? mailFolder,
  }
  for (const [name, urls] of Object.entries(addressesOf(plan.processes)))
    env[`${name.toUpperCase()}_URL`] = urls.join()
  for (const { name, port } of wanted.services) {
    const prefix = name.toUpperCase()
    env[`${prefix}_PORT`] = String(port)
    env[`${prefix}_SERVICE_KEY_FILE`] = keys.serviceKey(name)
    const password = keys.passwords.roles[name]
    if (password) env[`${prefix}_DATABASE_URL`] = databaseUrl(name, password, plan.ports.postgres)
    if (name === 'auth') Object.assign(env, forwardAuthOf(plan, keys))
  }
  return env
}

/** Where a service's database is, and by which role and password. */
export const databaseUrl = (service: string, password: string, port: number) =>
  `postgres://${roleOf(service)}:${password}@127.0.0.1:${port}/${databaseOf(service)}`

const forwardAuthOf = ({ ports }: Plan, keys: Keys) => ({
  AUTH_KEY_ENCRYPTION_SECRET_FILE: keys.encryptionSecret,
  AUTH_FORWARD_AUTH_PORT: String(ports.forwardAuth),
  AUTH_TLS_CERT_FILE: keys.certificate,
  AUTH_TLS_KEY_FILE: keys.certificateKey,
})

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(2000) }).then(
    (answer) => answer.ok,
    () => false,
  )
