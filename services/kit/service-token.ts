import { createLocalJWKSet, importJWK, type JSONWebKeySet, type JWK, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { Problem } from './problem.ts'

const audience = 'plaza-internal'
const lifeSeconds = 600

/** Signs and checks the tokens by which services know each other. Each service has a key of its own. */
export type ServiceTokens = {
  /** A token of this service, used again until it is half spent. */
  issue(): Promise<string>
  /** The name of the service that a token belongs to. Throws Problem unauthenticated. */
  verify(token: string): Promise<string>
}

const Jwk = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
})
const parseJson = (text: string, context: z.RefinementCtx) => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' })
    return z.NEVER
  }
}

/** The variables SERVICE_KEY (a private Ed25519 JWK whose `kid` is the service's name) and SERVICE_JWKS (all public ones). */
export const ServiceKey = z.string().transform(parseJson).pipe(Jwk)
export const ServiceJwks = z
  .string()
  .transform(parseJson)
  .pipe(z.looseObject({ keys: z.array(Jwk) }))

export function createServiceTokens(service: string, key: JWK, jwks: JSONWebKeySet): ServiceTokens {
  const signingKey = importJWK(key, 'EdDSA')
  const findKey = createLocalJWKSet(jwks)
  const known = new LRUCache<string, { service: string; expiresAt: number }>({ max: 500 })
  let current = { token: '', renewAt: 0 }

  return {
    async issue() {
      if (Date.now() < current.renewAt) return current.token
      const token = await new SignJWT()
        .setProtectedHeader({ alg: 'EdDSA', kid: key.kid })
        .setSubject(`service:${service}`)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${lifeSeconds}s`)
        .sign(await signingKey)
      current = { token, renewAt: Date.now() + lifeSeconds * 500 }
      return token
    },
    async verify(token) {
      const seen = known.get(token)
      if (seen && seen.expiresAt > Date.now()) return seen.service
      try {
        const { payload, protectedHeader } = await jwtVerify(token, findKey, {
          algorithms: ['EdDSA'],
          audience,
          requiredClaims: ['exp'],
        })
        const name = payload.sub?.replace(/^service:/, '') ?? ''
        // A service speaks only for itself: its key's name must be the name that the token claims.
        if (!name || name !== protectedHeader.kid) throw new Error('the key is not of the named service')
        known.set(token, { service: name, expiresAt: (payload.exp ?? 0) * 1_000 })
        return name
      } catch (cause) {
        throw new Problem('unauthenticated', 'The service token is not valid', { cause })
      }
    },
  }
}
