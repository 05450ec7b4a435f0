import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Fetch } from './peers.ts'
import { Problem } from './problem.ts'
import type { Revocations } from './revocation.ts'

export const Role = z.enum(['user', 'moderator', 'admin'])
export type Role = z.infer<typeof Role>

export const accessTokenIssuer = 'plaza'
export const accessTokenAudience = 'plaza'

/** Who calls, as the access token says: EdDSA, with `sub`, `sid`, `role`, `iat` in fractions of a second. */
export type User = {
  kind: 'user'
  userId: string
  sessionId: string
  role: Role
  /** Seconds since 1970. */
  issuedAt: number
  expiresAt: number
}
export type CallingService = { kind: 'service'; name: string }
export type Caller = User | CallingService

export type Identity = {
  /** The user of an access token. Throws Problem unauthenticated, or unavailable when nobody can say. */
  verifyUser(token: string): Promise<User>
  /** Throws Problem unauthenticated if the user's tokens were revoked since; unavailable when nobody can say. */
  assertNotRevoked(token: { userId: string; sessionId: string; issuedAt: number }): Promise<void>
  revocations: Revocations
}

const Claims = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  role: Role,
  iat: z.number(),
  exp: z.number(),
})

type Options = { auth: Fetch; revocations: Revocations }

/** Verifies access tokens against auth's published keys, remembers them until they expire, and looks up their revocation each time. */
export function createIdentity({ auth, revocations }: Options): Identity {
  const findKey = createRemoteJWKSet(new URL('http://auth/.well-known/jwks.json'), {
    cooldownDuration: 2_000,
    cacheMaxAge: 300_000,
    timeoutDuration: 2_000,
    [customFetch]: (url, init) => auth(url, init),
  })
  const known = new LRUCache<string, User>({ max: 20_000 })

  const assertNotRevoked: Identity['assertNotRevoked'] = async (token) => {
    const revoked = revocations.isRevoked(token) || (!revocations.isFresh() && (await askAuth(auth, token)))
    if (revoked) throw new Problem('unauthenticated', 'The session has ended', { reason: 'revoked' })
  }

  return {
    revocations,
    assertNotRevoked,
    async verifyUser(token) {
      let user = known.get(token)
      if (!user || user.expiresAt * 1_000 <= Date.now()) {
        user = await verify(token, findKey)
        known.set(token, user)
      }
      await assertNotRevoked(user)
      return user
    },
  }
}

async function verify(token: string, findKey: ReturnType<typeof createRemoteJWKSet>): Promise<User> {
  try {
    const { payload } = await jwtVerify(token, findKey, {
      algorithms: ['EdDSA'],
      issuer: accessTokenIssuer,
      audience: accessTokenAudience,
    })
    const { sub, sid, role, iat, exp } = Claims.parse(payload)
    return { kind: 'user', userId: sub, sessionId: sid, role, issuedAt: iat, expiresAt: exp }
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    if (cause instanceof errors.JWKSTimeout || isKeySetUnavailable(cause)) {
      throw new Problem('unavailable', 'The keys of auth cannot be read', { cause, retryAfterSeconds: 1 })
    }
    const expired = cause instanceof errors.JWTExpired
    throw new Problem(
      'unauthenticated',
      expired ? 'The access token has expired' : 'The access token is not valid',
      {
        reason: expired ? 'token_expired' : 'token_invalid',
        cause,
      },
    )
  }
}

/** jose reports a key set that answers anything but 200 by its plain base error. */
const isKeySetUnavailable = (cause: unknown) =>
  cause instanceof errors.JOSEError && cause.code === 'ERR_JOSE_GENERIC'

async function askAuth(
  auth: Fetch,
  token: { userId: string; sessionId: string; issuedAt: number },
): Promise<boolean> {
  const answer = await auth('http://auth/internal/v1/revocations/check', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(token),
  })
  if (!answer.ok)
    throw new Problem('unavailable', 'Nobody can say whether the session goes on', { retryAfterSeconds: 1 })
  return z.object({ revoked: z.boolean() }).parse(await answer.json()).revoked
}
