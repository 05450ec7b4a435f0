import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { newId } from './id.ts'
import { createIdentity } from './identity.ts'
import type { Revocations } from './revocation.ts'

const revocations: Revocations = {
  isRevoked: () => false,
  isFresh: () => true,
  apply() {},
  onRevoked: () => () => {},
  async stop() {},
}
const pair = await generateKeyPair('EdDSA', { extractable: true })
const published: JWK = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'EdDSA' }
const serveKeys = (keys: JWK[]) => async () => Response.json({ keys })
const identity = createIdentity({ auth: serveKeys([published]), revocations })

type Claims = {
  issuer?: string
  audience?: string
  life?: string
  role?: string
  sub?: string
  kid?: string
  key?: CryptoKey
}
const sign = ({ issuer = 'plaza', audience = 'plaza', life = '5m', role = 'user', ...claims }: Claims = {}) =>
  new SignJWT({ sid: newId(), role })
    .setProtectedHeader({ alg: 'EdDSA', kid: claims.kid ?? 'k1' })
    .setSubject(claims.sub ?? newId())
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(life)
    .sign(claims.key ?? pair.privateKey)

test('a token that auth signed says who calls', async () => {
  const sub = newId()
  expect(await identity.verifyUser(await sign({ sub, role: 'admin' }))).toMatchObject({
    kind: 'user',
    userId: sub,
    role: 'admin',
  })
})

const stranger = await generateKeyPair('EdDSA')
const forged: Record<string, string> = {
  'no token': 'rubbish',
  'an unsigned token': new UnsecuredJWT({ sid: newId(), role: 'admin' })
    .setSubject(newId())
    .setAudience('plaza')
    .encode(),
  "a stranger's signature": await sign({ key: stranger.privateKey }),
  'an unknown key': await sign({ kid: 'k2' }),
  'an expired token': await sign({ life: '-1s' }),
  'another audience': await sign({ audience: 'plaza-internal' }),
  'another issuer': await sign({ issuer: 'elsewhere' }),
  'an unknown role': await sign({ role: 'root' }),
  'a subject that is no id': await sign({ sub: 'service:auth' }),
}
for (const [name, token] of Object.entries(forged))
  test(`${name} is refused`, async () => {
    await expect(identity.verifyUser(token)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

test('a signature by a shared secret that is the public key is refused', async () => {
  const token = await new SignJWT({ sid: newId(), role: 'admin' })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .setSubject(newId())
    .setIssuer('plaza')
    .setAudience('plaza')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(published.x))
  await expect(identity.verifyUser(token)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('a remembered token is refused once it has expired', async () => {
  const token = await sign({ life: '1s' })
  await identity.verifyUser(token).catch(() => {})
  while (JSON.parse(atob(token.split('.')[1] ?? '')).exp * 1_000 > Date.now()) await Bun.sleep(50)
  await expect(identity.verifyUser(token)).rejects.toMatchObject({ options: { reason: 'token_expired' } })
})

test('with auth away a known token passes and an unknown one is unavailable, not refused', async () => {
  let isAway = false
  const auth = async () => (isAway ? new Response('', { status: 503 }) : Response.json({ keys: [published] }))
  const known = await sign()
  const here = createIdentity({ auth, revocations })
  await here.verifyUser(known)
  isAway = true
  expect(await here.verifyUser(known)).toMatchObject({ kind: 'user' })
  const elsewhere = createIdentity({ auth, revocations })
  await expect(elsewhere.verifyUser(known)).rejects.toMatchObject({ code: 'unavailable' })
})
