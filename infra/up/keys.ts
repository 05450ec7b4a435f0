import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { makeCertificates } from '../certificates.ts'
import { Failure } from '../failure.ts'
import { readIfThere, writePrivate } from '../private-file.ts'
import { secret } from '../secret.ts'
import { services } from './registry.ts'

const Passwords = z.object({
  postgres: z.string(),
  nats: z.string(),
  redis: z.string(),
  /** Of each service's database role. */
  roles: z.record(z.string(), z.string()),
})

export type Passwords = z.infer<typeof Passwords>

/** Where the keys lie; every file is readable by its owner alone. */
export type Keys = {
  passwords: Passwords
  serviceKey(service: string): string
  serviceJwks: string
  encryptionSecret: string
  authority: string
  certificate: string
  certificateKey: string
}

/** Makes what is missing in the folder and leaves alone what is there. Throws Failure when that is broken. */
export const ensureKeys = async (folder: string): Promise<Keys> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const at = (name: string) => join(folder, name)
  const serviceKey = (service: string) => at(`service-${service}.jwk.json`)
  await ensureEncryptionSecret(at('encryption-secret'))
  await ensureCertificates(at('authority.pem'), at('auth.pem'), at('auth-key.pem'))
  await ensureServiceKeys(serviceKey, at('service-jwks.json'))
  return {
    passwords: await ensurePasswords(at('passwords.json')),
    serviceKey,
    serviceJwks: at('service-jwks.json'),
    encryptionSecret: at('encryption-secret'),
    authority: at('authority.pem'),
    certificate: at('auth.pem'),
    certificateKey: at('auth-key.pem'),
  }
}

const Secret = z.string().refine((text) => Buffer.from(text, 'base64url').length === 32)

/** What it has encrypted, nothing else opens. */
const ensureEncryptionSecret = async (file: string) => {
  const known = await read(file, fromCopy, (text) => Secret.parse(text))
  if (!known) await writePrivate(file, randomBytes(32).toString('base64url'))
}

/** A service that is new since the last start gets its password, too. */
const ensurePasswords = async (file: string): Promise<Passwords> => {
  const known = await read(file, fromCopy, (text) => Passwords.parse(JSON.parse(text)))
  const stores = services.filter((service) => service.stores).map(({ name }) => name)
  const passwords: Passwords = {
    postgres: known?.postgres ?? secret(),
    nats: known?.nats ?? secret(),
    redis: known?.redis ?? secret(),
    roles: Object.fromEntries(stores.map((name) => [name, known?.roles[name] ?? secret()])),
  }
  await writePrivate(file, JSON.stringify(passwords, null, 2))
  return passwords
}

const ensureCertificates = async (authority: string, certificate: string, key: string) => {
  const known = [
    await read(authority, anew, (text) => new X509Certificate(text)),
    await read(certificate, anew, (text) => new X509Certificate(text)),
    await read(key, anew, createPrivateKey),
  ]
  if (known.every(Boolean)) return
  const made = await makeCertificates(['127.0.0.1', 'localhost', 'auth'])
  await writePrivate(key, made.key)
  await writePrivate(certificate, made.certificate)
  await writePrivate(authority, made.authority)
}

const ServiceKey = z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() })

/** One signing key per service, and the public halves of all in one file. */
const ensureServiceKeys = async (fileOf: (service: string) => string, publicFile: string) => {
  const keys = []
  for (const { name } of services) {
    const { kty, crv, x } = await ensureServiceKey(name, fileOf(name))
    keys.push({ kty, crv, x, kid: name, use: 'sig', alg: 'EdDSA' })
  }
  await writePrivate(publicFile, JSON.stringify({ keys }, null, 2))
}

const ensureServiceKey = async (name: string, file: string) => {
  const known = await read(file, anew, (text) => ServiceKey.parse(JSON.parse(text)))
  if (known) return known
  const made = makeServiceKey(name)
  await writePrivate(file, JSON.stringify(made))
  return ServiceKey.parse(made)
}

const makeServiceKey = (name: string) => {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { kty, crv, x, d, kid: name, use: 'sig', alg: 'EdDSA' }
}

const fromCopy = 'put it back from your copy'
const anew = 'remove it, and another is made'

/** What a file holds, or undefined if there is none yet. Throws Failure, with what to do, when it holds no such thing. */
const read = async <T>(file: string, remedy: string, parse: (text: string) => T): Promise<T | undefined> => {
  const text = await readIfThere(file)
  if (text === undefined) return undefined
  try {
    return parse(text)
  } catch {
    throw new Failure(`${file} is ${text.trim() ? 'broken' : 'empty'}: ${remedy}`)
  }
}
