import { createPrivateKey, type KeyObject } from 'node:crypto'
import { StartupError } from '@plaza/kit/config'
import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { z } from 'zod'
import type { Config } from './config.ts'
import { open, seal } from './seal.ts'

export type SigningKeys = {
  /** The key that signs now. */
  current(): SigningKey
  /** The public keys that are, were or will be in use, as a JWK set. */
  jwks(): { keys: JWK[] }
  stop(): Promise<void>
}

export type SigningKey = { kid: string; key: KeyObject }

type KeysConfig = Pick<
  Config,
  'KEY_ENCRYPTION_SECRET' | 'ACCESS_TOKEN_SECONDS' | 'KEY_LEAD_SECONDS' | 'KEY_ROTATION_DAYS'
>
type Options = { sql: Sql; log: Log; config: KeysConfig; pollMs?: number }
type Row = { kid: string; publicJwk: JWK; privateJwkEncrypted: Uint8Array; activatesAt: Date }
type Known = SigningKey & { publicJwk: JWK; activatesAt: Date }

const lock = 7_150_101
/** Clocks may differ by this much before a token outlives its key. */
const skewSeconds = 60
const rotateHourly = 3_600_000

/**
 * The keys that sign access tokens. All instances read the same table every few seconds, and a new key
 * is published a while before it signs, so that no verifier meets a token whose key it cannot know.
 */
export async function startSigningKeys({ sql, log, config, pollMs = 2_000 }: Options): Promise<SigningKeys> {
  let known: Known[] = []
  const refresh = async () => {
    const rows = await sql<Row[]>`
      select kid, public_jwk, private_jwk_encrypted, activates_at
      from signing_keys
      order by activates_at desc, kid`
    const before = new Map(known.map((one) => [one.kid, one]))
    known = await Promise.all(rows.map((row) => before.get(row.kid) ?? load(row, config)))
  }
  await ensureKey(sql, config)
  await refresh()
  const stopPolling = every(pollMs, log, refresh)
  const stopRotating = every(rotateHourly, log, async () => {
    await rotateWhenOld(sql, config)
    await forgetDeadKeys(sql, config)
  })

  return {
    current() {
      const now = Date.now()
      const key = known.find(({ activatesAt }) => activatesAt.getTime() <= now) ?? known.at(-1)
      if (!key) throw new Error('there is no signing key')
      return key
    },
    jwks: () => ({ keys: known.map(({ publicJwk }) => publicJwk) }),
    async stop() {
      await Promise.all([stopPolling(), stopRotating()])
    },
  }
}

/** Makes the next signing key. It is published at once and signs after KEY_LEAD_SECONDS; answers its id. */
export async function rotateKeys(sql: Sql, config: KeysConfig): Promise<string> {
  return await insertKey(sql, config, config.KEY_LEAD_SECONDS)
}

/** Removes each key whose last token has died: its successor signs for longer than a token lives. */
export async function forgetDeadKeys(sql: Sql, config: KeysConfig): Promise<void> {
  await sql`
    delete from signing_keys dead
    using signing_keys successor
    where successor.activates_at > dead.activates_at
      and successor.activates_at < now() - make_interval(secs => ${config.ACCESS_TOKEN_SECONDS + skewSeconds})`
}

/** The first key, by whichever instance comes first. */
async function ensureKey(sql: Sql, config: KeysConfig): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${lock})`
    const [any] = await tx`select from signing_keys limit 1`
    if (!any) await insertKey(tx, config, 0)
  })
}

async function rotateWhenOld(sql: Sql, config: KeysConfig): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${lock})`
    const [young] = await tx`
      select from signing_keys
      where created_at > now() - make_interval(days => ${config.KEY_ROTATION_DAYS})
      limit 1`
    if (!young) await insertKey(tx, config, config.KEY_LEAD_SECONDS)
  })
}

async function insertKey(sql: Sql | Transaction, config: KeysConfig, leadSeconds: number): Promise<string> {
  const pair = await generateKeyPair('EdDSA', { extractable: true })
  const kid = crypto.randomUUID()
  const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'EdDSA', use: 'sig' }
  const secret = JSON.stringify(await exportJWK(pair.privateKey))
  const encrypted = await seal(config.KEY_ENCRYPTION_SECRET, secret, kid)
  await sql`
    insert into signing_keys (kid, public_jwk, private_jwk_encrypted, activates_at)
    values (${kid}, ${JSON.stringify(publicJwk)}::text::jsonb, ${encrypted}, now() + make_interval(secs => ${leadSeconds}))`
  return kid
}

async function load(row: Row, config: KeysConfig): Promise<Known> {
  const { kid, publicJwk, activatesAt } = row
  const secret = await open(config.KEY_ENCRYPTION_SECRET, row.privateJwkEncrypted, kid).catch((cause) => {
    throw new StartupError('AUTH_KEY_ENCRYPTION_SECRET does not open the stored signing keys', { cause })
  })
  const key = createPrivateKey({ key: PrivateJwk.parse(JSON.parse(secret)), format: 'jwk' })
  return { kid, key, publicJwk, activatesAt }
}

const PrivateJwk = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  d: z.string(),
})
