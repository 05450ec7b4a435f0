import { accessTokenAudience, accessTokenIssuer, type Role } from '@plaza/kit/identity'
import { SignJWT } from 'jose'
import type { SigningKeys } from './signing-keys.ts'

type Facts = {
  userId: string
  sessionId: string
  role: Role
  /** By the database's clock, in seconds with fractions: revocations are compared with it. */
  issuedAt: number
}

/** Signs an access token. */
export async function signAccessToken(
  keys: SigningKeys,
  lifeSeconds: number,
  { userId, sessionId, role, issuedAt }: Facts,
): Promise<{ accessToken: string; expiresAt: string }> {
  const { kid, key } = keys.current()
  const expiresAt = Math.floor(issuedAt) + lifeSeconds
  const accessToken = await new SignJWT({ sid: sessionId, role })
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' })
    .setIssuer(accessTokenIssuer)
    .setAudience(accessTokenAudience)
    .setSubject(userId)
    .setJti(crypto.randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(key)
  return { accessToken, expiresAt: new Date(expiresAt * 1_000).toISOString() }
}
