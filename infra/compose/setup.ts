/**
 * The first thing that `docker compose up` runs: makes every secret, key and certificate that is missing, and
 * lays each where only the container that needs it can read it. Runs as root without a network, and ends.
 */
import { chown, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../failure.ts'
import { writePrivate } from '../private-file.ts'
import { ensureKeys, type Keys } from '../up/keys.ts'
import { databaseOf, roleOf, services } from '../up/registry.ts'
import { giveVolume } from './volume.ts'

/** The users that the containers run as; compose.yaml names the same numbers. */
const users: Record<string, number> = {
  postgres: 999,
  redis: 10_004,
  nats: 10_000,
  databases: 10_001,
  traefik: 10_002,
  auth: 10_011,
  user: 10_012,
  message: 10_013,
  relay: 10_016,
  websocket: 10_018,
}

/** Where compose.yaml mounts the volumes. */
const secrets = '/run/plaza'
const natsData = '/data/nats'
const redisData = '/data/redis'
const mails = '/data/mails'

const keys = await ensureKeys(join(secrets, 'setup')).catch((error) => {
  if (!(error instanceof Failure)) throw error
  console.error(`plaza: ${error.message}`)
  process.exit(1)
})
const { passwords } = keys
await Promise.all([
  give('postgres', 'password', passwords.postgres),
  give('databases', 'passwords.json', await readFile(join(secrets, 'setup/passwords.json'), 'utf8')),
  give('nats', 'password', passwords.nats),
  give('redis', 'redis.conf', redisConfiguration(passwords.redis)),
  giveFile('traefik', 'authority.pem', keys.authority),
  ...services.map(({ name, stores }) => giveService(name, stores, keys)),
  giveFile('auth', 'encryption-secret', keys.encryptionSecret),
  giveFile('auth', 'certificate.pem', keys.certificate),
  giveFile('auth', 'certificate-key.pem', keys.certificateKey),
])
await Promise.all([
  giveVolume(natsData, idOf('nats')),
  giveVolume(redisData, idOf('redis')),
  giveVolume(mails, idOf('auth')),
])
console.log('The secrets are in place.')

async function giveService(name: string, stores: boolean, { passwords, ...keys }: Keys) {
  await give(name, 'nats-url', `nats://plaza:${passwords.nats}@nats:4222`)
  await give(name, 'redis-url', `redis://:${passwords.redis}@redis:6379`)
  await giveFile(name, 'service-key.json', keys.serviceKey(name))
  await giveFile(name, 'service-jwks.json', keys.serviceJwks)
  const password = passwords.roles[name]
  if (stores && password) {
    await give(
      name,
      'database-url',
      `postgres://${roleOf(name)}:${password}@postgres:5432/${databaseOf(name)}`,
    )
  }
}

function redisConfiguration(password: string): string {
  const lines = [
    'include /etc/plaza/redis.conf',
    `dir ${redisData}`,
    'port 6379',
    `requirepass ${password}`,
    'maxmemory 512mb',
  ]
  return `${lines.join('\n')}\n`
}

async function give(container: string, name: string, text: string) {
  const path = await place(container, name)
  await writePrivate(path, text, 0o400)
  await own(path, container)
}

async function giveFile(container: string, name: string, source: string) {
  await give(container, name, await readFile(source, 'utf8'))
}

/** Each container has a folder that its user alone may enter. */
async function place(container: string, name: string): Promise<string> {
  const path = join(secrets, container, name)
  await mkdir(dirname(path), { recursive: true, mode: 0o500 })
  await own(dirname(path), container)
  return path
}

async function own(path: string, container: string) {
  await chown(path, idOf(container), idOf(container))
}

function idOf(container: string): number {
  const id = users[container]
  if (id === undefined) throw new Error(`no user is set for ${container}`)
  return id
}
