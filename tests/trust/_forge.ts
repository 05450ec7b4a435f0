import { createDecipheriv, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { join } from 'node:path'
import { SQL } from 'bun'
import { z } from 'zod'
import type { Plaza } from '../plaza.ts'

export type SigningKey = { kid: string; key: KeyObject }

const Jwk = z.looseObject({ kty: z.string(), crv: z.string(), x: z.string(), d: z.string() })
const toKey = (jwk: unknown) => createPrivateKey({ key: Jwk.parse(jwk), format: 'jwk' })
const Row = z.object({ kid: z.string(), private_jwk_encrypted: z.instanceof(Uint8Array) })

/** A key that nobody has published. */
export const strangersKey = (kid = 'nobody'): SigningKey => ({
  kid,
  key: generateKeyPairSync('ed25519').privateKey,
})

/** The very key that auth signs access tokens with, out of its database and its secret. */
export async function authsKey(plaza: Plaza): Promise<SigningKey> {
  await using sql = new SQL((await plaza.run()).databases.auth ?? '', { max: 1 })
  const [row] = await sql`select kid, private_jwk_encrypted from signing_keys`
  const { kid, private_jwk_encrypted: sealed } = Row.parse(row)
  const secret = await Bun.file(join(plaza.data, 'keys/encryption-secret')).text()
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(secret, 'base64url'), sealed.subarray(0, 12))
  decipher.setAAD(Buffer.from(kid)).setAuthTag(sealed.subarray(-16))
  const text = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  return { kid, key: toKey(JSON.parse(text.toString())) }
}

/** The key by which other services know a service. */
export async function keyOfService(plaza: Plaza, name: string): Promise<SigningKey> {
  return { kid: name, key: toKey(await Bun.file(join(plaza.data, `keys/service-${name}.jwk.json`)).json()) }
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A token with exactly these claims. */
export function signToken(claims: object, { kid, key }: SigningKey): string {
  const signed = `${encode({ alg: 'EdDSA', kid, typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
}

/** A token that says itself that nobody has signed it. */
export const unsigned = (claims: object): string =>
  `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`
