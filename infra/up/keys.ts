import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { makeCertificates } from '../certificates.ts'
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

/** Makes what is missing in the folder and leaves alone what is there. */
export const ensureKeys = async (folder: string): Promise<Keys> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const at = (name: string) => join(folder, name)
  const serviceKey = (service: string) => at(`service-${service}.jwk.json`)
  if (!(await exists(at('encryption-secret'))))
    await writePrivate(at('encryption-secret'), randomBytes(32).toString('base64url'))
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

/** A service that is new since the last start gets its password, too. */
const ensurePasswords = async (file: string): Promise<Passwords> => {
  const known = (await exists(file)) ? Passwords.parse(await Bun.file(file).json()) : undefined
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
  if ((await exists(authority)) && (await exists(certificate)) && (await exists(key))) return
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
    const file = fileOf(name)
    if (!(await exists(file))) await writePrivate(file, JSON.stringify(makeServiceKey(name)))
    const { kty, crv, x } = ServiceKey.parse(await Bun.file(file).json())
    keys.push({ kty, crv, x, kid: name, use: 'sig', alg: 'EdDSA' })
  }
  await writePrivate(publicFile, JSON.stringify({ keys }, null, 2))
}

const makeServiceKey = (name: string) => {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { kty, crv, x, d, kid: name, use: 'sig', alg: 'EdDSA' }
}

const exists = (file: string) => Bun.file(file).exists()

/** Written whole or not at all. */
const writePrivate = async (file: string, text: string) => {
  const draft = `${file}.draft`
  await writeFile(draft, text, { mode: 0o600 })
  await rename(draft, file)
}
