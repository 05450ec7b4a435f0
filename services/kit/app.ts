import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ZodError } from 'zod'
import { readDeclaredHeaders } from './headers.ts'
import type { Identity } from './identity.ts'
import type { Log } from './log.ts'
import { unexpectedErrors } from './metrics.ts'
import { Problem } from './problem.ts'
import type { AppEnv } from './route.ts'
import type { ServiceTokens } from './service-token.ts'
import { isOutage, isRangeError, isStatementTimeout, isTextError } from './sql.ts'
import { readTrace, runFor } from './trace.ts'

/** What an app needs to know callers and to tell of them. */
export type AppContext = { service: string; identity: Identity; tokens: ServiceTokens; log: Log }

/** An app that answers every error as problem+json. Give it its operations with `openapiRoutes`. */
export function newApp({ service, identity, tokens, log }: AppContext): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw toInvalid(result.target, result.error)
    },
  })
  readDeclaredHeaders(app, (error) => {
    throw toInvalid('header', error)
  })
  app.use(async (c, next) => {
    const requestId = requestIdOf(c.req.header('x-request-id'))
    const trace = readTrace(c.req.header('traceparent'))
    c.set('service', service)
    c.set('identity', identity)
    c.set('tokens', tokens)
    c.set('requestId', requestId)
    c.set('log', log)
    c.header('X-Request-Id', requestId)
    await runFor({ trace, requestId }, next)
  })
  app.notFound((c) => answer(c, new Problem('not_found', 'There is nothing at this address')))
  app.onError((error, c) => answer(c, toProblem(error)))
  return app
}

function answer(c: Context<AppEnv>, error: Problem | Error): Response {
  const response = toResponse(c, error)
  // What was set on the context is lost with a response of one's own making.
  response.headers.set('X-Request-Id', c.get('requestId'))
  return response
}

function toResponse(c: Context<AppEnv>, error: Problem | Error): Response {
  const requestId = c.get('requestId')
  const log = c.get('log')
  if (!(error instanceof Problem)) {
    unexpectedErrors.inc({ service: c.get('service') })
    log.error({ err: error, method: c.req.method, path: c.req.path }, 'unexpected error')
    return problemResponse(
      { type: 'about:blank', title: 'Something went wrong', status: 500, code: 'internal', requestId },
      500,
    )
  }
  if (error.status >= 500) log.warn({ err: error, path: c.req.path }, error.detail)
  const response = problemResponse(error.body(requestId), error.status)
  const { retryAfterSeconds } = error.options
  if (retryAfterSeconds !== undefined) response.headers.set('Retry-After', String(retryAfterSeconds))
  if (error.code === 'unauthenticated') response.headers.set('WWW-Authenticate', 'Bearer')
  return response
}

const problemResponse = (body: object, status: number) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })

/** The problem that an error amounts to; what is no problem of the caller's or of the stores stays an error. */
export function toProblem(error: Error): Problem | Error {
  if (error instanceof Problem) return error
  if (error instanceof HTTPException) {
    if (error.status === 415)
      return new Problem('invalid', 'Send the body as application/json', {
        reason: 'media_type',
        status: 415,
      })
    if (error.status < 500) return new Problem('invalid', error.message, { cause: error })
    return error
  }
  if (isOutage(error) || isStatementTimeout(error))
    return new Problem('unavailable', 'The store cannot do this now', { cause: error, retryAfterSeconds: 1 })
  if (isTextError(error))
    return new Problem('invalid', 'The text holds a character that cannot be stored', { cause: error })
  if (isRangeError(error))
    return new Problem('invalid', 'A number or a time is out of its range', { cause: error })
  return error
}

function toInvalid(target: string, error: ZodError): Problem {
  const errors = error.issues
    .slice(0, 20)
    .map(({ path, message }) => ({ path: [target, ...path].join('.'), message }))
  return new Problem(
    'invalid',
    errors[0] ? `${errors[0].path}: ${errors[0].message}` : 'The request is not valid',
    { errors },
  )
}

/** A caller's own id is kept when it is a plain one, so that a request can be followed across services. */
export function requestIdOf(given: string | null | undefined): string {
  return given && /^[\w-]{8,64}$/.test(given) ? given : Bun.randomUUIDv7()
}
