import { expect, test } from 'bun:test'
import { type CryptoKey, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import { z } from 'zod'
import { open } from '../seal.ts'
import { createWorld, expectProblem, type Person } from './_world.ts'

const { auth, deps, environment, sql, register } = await createWorld(import.meta.path)

const person = await register()
const real = await readSigningKey()
const now = Date.now() / 1_000

type Claims = {
  aud?: string
  iss?: string
  iat?: number
  exp?: number
  sub?: string
  sid?: string
  role?: string
}

const claimsOf = ({ user, sessionId }: Person, more: Claims = {}) => ({
  iss: 'plaza',
  aud: 'plaza',
  sub: user.id,
  sid: sessionId,
  role: 'user',
  iat: now,
  exp: now + 600,
  ...more,
})
const sign = (claims: Claims, { kid, key }: { kid: string; key: CryptoKey } = real) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key)
const stranger = (await generateKeyPair('EdDSA')).privateKey
const secret = new TextEncoder().encode(JSON.stringify((await sql`select public_jwk from signing_keys`)[0]))

/** Tokens that nobody may accept. */
const forged: Record<string, () => Promise<string> | string> = {
  'alg none': () => new UnsecuredJWT(claimsOf(person)).encode(),
  'the public key taken for an HMAC secret': () =>
    new SignJWT(claimsOf(person)).setProtectedHeader({ alg: 'HS256', kid: real.kid }).sign(secret),
  'a key of somebody else under our key id': () => sign(claimsOf(person), { kid: real.kid, key: stranger }),
  'an unknown key': () => sign(claimsOf(person), { kid: 'unknown', key: stranger }),
  'an expired token': () => sign(claimsOf(person, { iat: now - 900, exp: now - 1 })),
  'a token for another audience': () => sign(claimsOf(person, { aud: 'plaza-internal' })),
  'a token of another issuer': () => sign(claimsOf(person, { iss: 'somebody' })),
  'a role that does not exist': () => sign(claimsOf(person, { role: 'root' })),
  'a token without a session': () => sign({ ...claimsOf(person), sid: undefined }),
  'a service token': () => deps.host.tokens('message').issue(),
  "auth's own service token": () => deps.host.tokens('auth').issue(),
  'a tampered one': () => `${person.accessToken.slice(0, -4)}AAAA`,
  'a token of a deleted user': async () => {
    const deleted = await register()
    await auth.as(deleted).api.v1.auth.me.$delete({ json: { password: deleted.password } })
    return await sign(claimsOf(deleted))
  },
}

for (const [name, make] of Object.entries(forged)) {
  test(`401: ${name}`, async () => {
    const accessToken = await make()
    await expectProblem(await auth.as({ accessToken }).api.v1.auth.me.$get(), 401, {
      code: 'unauthenticated',
    })
  })
}

test('200: the same claims signed by the real key', async () => {
  const accessToken = await sign(claimsOf(person))
  expect((await auth.as({ accessToken }).api.v1.auth.me.$get()).status).toBe(200)
})

test('401: identity headers say nothing', async () => {
  const headers = { 'x-user-id': person.user.id, 'x-user-role': 'admin', 'x-session-id': person.sessionId }
  await expectProblem(await fetch(`${auth.url}/api/v1/auth/me`, { headers }), 401, {
    code: 'unauthenticated',
  })
})

test('401: a user token at an internal route, also with the audience of services', async () => {
  const token = await sign(claimsOf(person, { aud: 'plaza-internal', sub: 'service:auth' }))
  for (const accessToken of [person.accessToken, token]) {
    const param = { userId: person.user.id }
    await expectProblem(await auth.as({ accessToken }).internal.v1.users[':userId'].$get({ param }), 401, {
      code: 'unauthenticated',
    })
  }
})

async function readSigningKey() {
  const [row] = await sql`select kid, private_jwk_encrypted from signing_keys`
  const encryption = new Uint8Array(Buffer.from(environment.KEY_ENCRYPTION_SECRET ?? '', 'base64url'))
  const jwk = JSON.parse(await open(encryption, row?.privateJwkEncrypted, row?.kid))
  const key = await importJWK(jwk, 'EdDSA')
  return { kid: z.string().parse(row?.kid), key: z.instanceof(CryptoKey).parse(key) }
}
