import { type RouteConfig, type RouteHandler, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { readBody } from './body.ts'
import type { Caller, Identity, User } from './identity.ts'
import type { Log } from './log.ts'
import { requestSeconds } from './metrics.ts'
import { Problem, ProblemBody } from './problem.ts'
import type { ServiceTokens } from './service-token.ts'

/** What every handler finds on its context. */
export type AppEnv = {
  Variables: {
    service: string
    identity: Identity
    tokens: ServiceTokens
    log: Log
    requestId: string
    caller: Caller | undefined
  }
}

/**
 * Who may call: anybody, a user, users of a rank, or other services. The extension stands in the API
 * document too, so a client sees it. Rank grows: an admin may do what a moderator may.
 */
export type Access = 'public' | 'user' | 'moderator' | 'admin' | 'service'

/** What people call has a summary in the API documents; what only services call is hidden from them. */
export type PlazaRoute = RouteConfig & { operationId: string; 'x-access': Access } & (
    | { summary: string }
    | { 'x-access': 'service'; hide: true }
  )

/** Joins an operation's contract and its handler, and puts the check of `x-access` and the reading of the body in front. */
export function defineRoute<const R extends PlazaRoute>(
  route: R,
  handler: RouteHandler<R, AppEnv>,
  middleware: MiddlewareHandler<AppEnv>[] = [],
) {
  const guarded = {
    ...route,
    middleware: [
      observe(route.operationId),
      admit(route['x-access']),
      ...(route.method === 'get' ? [] : [readBody]),
      ...middleware,
    ],
  }
  return { route: guarded as R, handler }
}

/** A JSON body or answer with its description. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

/** A JSON request body that must be there. */
export const jsonBody = <T extends z.ZodType>(schema: T, description: string) => ({
  ...json(schema, description),
  required: true as const,
})

/** The answer of every operation that goes wrong. */
export const problems = {
  default: {
    description: 'A problem (RFC 9457)',
    content: { 'application/problem+json': { schema: ProblemBody } },
  },
} as const

export const noContent = { 204: { description: 'Done' } } as const

/** The header of every create. */
export const IdempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(128)
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .openapi({
      description: 'The name of this attempt, such as a UUID: a repeat with the same key is not done twice',
    }),
})

/** The user who calls. Throws Problem unauthenticated where a route let somebody else through. */
export function userOf(c: Context<AppEnv>): User {
  const caller = c.get('caller')
  if (caller?.kind !== 'user') throw new Problem('unauthenticated', 'Log in first')
  return caller
}

const ranks = { user: 0, moderator: 1, admin: 2 } as const

const admit =
  (access: Access): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    if (access === 'public') return await next()
    const token = bearerOf(c.req.header('authorization'))
    if (access === 'service') {
      c.set('caller', { kind: 'service', name: await c.get('tokens').verify(token) })
      return await next()
    }
    const user = await c.get('identity').verifyUser(token)
    if (ranks[user.role] < ranks[access]) throw new Problem('forbidden', `Only a ${access} may do this`)
    c.set('caller', user)
    await next()
  }

/** The token of an Authorization header (RFC 6750). */
export function bearerOf(header: string | undefined): string {
  const token = header && /^Bearer ([\w.~+/-]+=*)$/i.exec(header)?.[1]
  if (!token || token.length > 4_096)
    throw new Problem('unauthenticated', 'Send an access token as Authorization: Bearer …')
  return token
}

const observe =
  (operation: string): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const startedAt = performance.now()
    await next()
    const seconds = (performance.now() - startedAt) / 1_000
    requestSeconds.observe({ service: c.get('service'), operation, status: c.res.status }, seconds)
  }
