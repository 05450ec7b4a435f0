import { afterAll } from 'bun:test'
import { testParts } from '@plaza/infra/testing'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Environment } from './config.ts'
import type { PlazaEvent } from './events.ts'
import { createHost, type Host } from './host.ts'
import { newId } from './id.ts'
import { accessTokenAudience, accessTokenIssuer, type Role } from './identity.ts'
import { servicePorts } from './ports.ts'
import { heartbeatMs, heartbeatSubject, revocationStream, tokensRevoked } from './revocation.ts'
import { connectSql, type Sql } from './sql.ts'
import { ensureStream } from './stream.ts'

/** A person who calls, with a token that the services under test accept. */
export type TestUser = { id: string; sessionId: string; token: string; headers: { authorization: string } }

export type TestDeps = {
  parts: Awaited<ReturnType<typeof testParts>>
  host: Host
  /** The variables a service of this name would read: its own fresh database, and ports that are free. */
  environment(service: string): Promise<Environment>
  /** A connection to the database that `environment` made for the service, for looking at its rows. */
  sql(service: string): Promise<Sql>
  createUser(options?: { role?: Role; id?: string; sessionId?: string }): Promise<TestUser>
  /** The headers by which a service calls. */
  serviceHeaders(service: string): Promise<{ authorization: string }>
  /** The events of a stream so far, oldest first. */
  events(stream: string): Promise<PlazaEvent[]>
}

/**
 * Everything a test file needs, walled off from every other: NATS and Redis servers of its own, a database
 * for each service it starts, and keys that stand in for those that auth would publish. All of it ends in `afterAll`.
 */
export async function testDeps(_path: string): Promise<TestDeps> {
  const parts = await testParts()
  const keys = await createKeys()
  const environments = new Map<string, Promise<Environment>>()
  const connections: Sql[] = []
  const environment: TestDeps['environment'] = (service) => {
    const made = environments.get(service) ?? makeEnvironment(service)
    environments.set(service, made)
    return made
  }
  const makeEnvironment = async (service: string): Promise<Environment> => ({
    ...keys.environment,
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'error',
    NATS_URL: parts.natsUrl,
    REDIS_URL: parts.redisUrl,
    PORT: '0',
    DRAIN_SECONDS: '0',
    DATABASE_URL: (await parts.createDatabase()).url,
    [`${service.toUpperCase()}_SERVICE_KEY`]: JSON.stringify(keys.services[service]),
  })
  const serviceKeys = Object.fromEntries(
    Object.entries(keys.services).map(([name, key]) => [
      `${name.toUpperCase()}_SERVICE_KEY`,
      JSON.stringify(key),
    ]),
  )
  const host = createHost({
    ...keys.environment,
    ...serviceKeys,
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'error',
    NATS_URL: parts.natsUrl,
    REDIS_URL: parts.redisUrl,
  })
  const stopAuth = await standInForAuth(host, keys.publicKey)
  afterAll(async () => {
    stopAuth()
    await Promise.all(connections.map((sql) => sql.end({ timeout: 1 })))
    await host.stop()
    await parts.stop()
  })

  return {
    parts,
    host,
    environment,
    async sql(service) {
      const { DATABASE_URL = '' } = await environment(service)
      const sql = connectSql({ url: DATABASE_URL, name: 'test', connections: 2 })
      connections.push(sql)
      return sql
    },
    async createUser({ role = 'user', id = newId(), sessionId = newId() } = {}) {
      const token = await keys.sign({ sid: sessionId, role }, id)
      return { id, sessionId, token, headers: { authorization: `Bearer ${token}` } }
    },
    serviceHeaders: async (service) => ({ authorization: `Bearer ${await host.tokens(service).issue()}` }),
    events: (stream) => readStream(host, stream),
  }
}

/** Waits until a check passes, and fails with its last complaint after `timeoutMs`. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 20_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await Bun.sleep(20)
    }
  }
}

async function createKeys() {
  const user = await generateKeyPair('EdDSA', { extractable: true })
  const names = Object.keys(servicePorts)
  const services: Record<string, JWK> = {}
  const publicKeys: JWK[] = []
  for (const name of names) {
    const pair = await generateKeyPair('EdDSA', { extractable: true })
    services[name] = { ...(await exportJWK(pair.privateKey)), kid: name }
    publicKeys.push({ ...(await exportJWK(pair.publicKey)), kid: name })
  }
  return {
    services,
    environment: { SERVICE_JWKS: JSON.stringify({ keys: publicKeys }) },
    publicKey: { ...(await exportJWK(user.publicKey)), kid: 'test', alg: 'EdDSA' },
    sign: (claims: { sid: string; role: Role }, userId: string) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
        .setSubject(userId)
        .setIssuer(accessTokenIssuer)
        .setAudience(accessTokenAudience)
        .setJti(newId())
        .setIssuedAt(Date.now() / 1_000)
        .setExpirationTime('15m')
        .sign(user.privateKey),
  }
}

/** Publishes the test's keys and the heartbeat of the REVOCATION stream, as auth does. A test that starts auth replaces this by doing so. */
async function standInForAuth(host: Host, publicKey: JWK): Promise<() => void> {
  const nats = await host.nats()
  await ensureStream(nats, {
    name: revocationStream,
    subjects: [heartbeatSubject, `evt.${tokensRevoked.type}.*`],
  })
  // Both answers in one: the keys, and, until the first heartbeat has been heard, that no session has ended.
  host.local.set('auth', () => Response.json({ keys: [publicKey], revoked: false }))
  const beat = () => nats.js.publish(heartbeatSubject).catch(() => {})
  await beat()
  const beating = setInterval(beat, heartbeatMs)
  return () => clearInterval(beating)
}

async function readStream(host: Host, stream: string): Promise<PlazaEvent[]> {
  const nats = await host.nats()
  const { state } = await nats.jsm.streams.info(stream)
  const events: PlazaEvent[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await nats.jsm.streams.getMessage(stream, { seq })
    if (message) events.push(message.json<PlazaEvent>())
  }
  return events
}
