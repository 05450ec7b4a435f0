import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { createServiceTokens } from './service-token.ts'

async function createKey(name: string) {
  const pair = await generateKeyPair('EdDSA', { extractable: true })
  const secret: JWK = { ...(await exportJWK(pair.privateKey)), kid: name }
  return { secret, shown: { ...(await exportJWK(pair.publicKey)), kid: name } }
}
const message = await createKey('message')
const relay = await createKey('relay')
const jwks = { keys: [message.shown, relay.shown] }
const ofMessage = createServiceTokens('message', message.secret, jwks)
const ofRelay = createServiceTokens('relay', relay.secret, jwks)

const forge = async (key: JWK, claims: { sub: string; aud?: string; exp?: string }) =>
  await new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid })
    .setSubject(claims.sub)
    .setAudience(claims.aud ?? 'plaza-internal')
    .setIssuedAt()
    .setExpirationTime(claims.exp ?? '5m')
    .sign(await importJWK(key, 'EdDSA'))

test('a service knows another by its token, which is used again', async () => {
  const token = await ofMessage.issue()
  expect(await ofRelay.verify(token)).toBe('message')
  expect(await ofMessage.issue()).toBe(token)
})

test('a service cannot speak for another', async () => {
  const token = await forge(relay.secret, { sub: 'service:message' })
  await expect(ofMessage.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('an unknown key, a wrong audience, an expired token and rubbish are refused', async () => {
  const stranger = await createKey('relay')
  const tokens = [
    await forge(stranger.secret, { sub: 'service:relay' }),
    await forge(relay.secret, { sub: 'service:relay', aud: 'plaza' }),
    await forge(relay.secret, { sub: 'service:relay', exp: '-1s' }),
    await forge(relay.secret, { sub: '' }),
    'rubbish',
  ]
  for (const token of tokens)
    await expect(ofMessage.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' })
})
