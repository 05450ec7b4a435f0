import { requestIdOf, toProblem } from '@plaza/kit/app'
import { StartupError } from '@plaza/kit/config'
import type { Log } from '@plaza/kit/log'
import { unexpectedErrors } from '@plaza/kit/metrics'
import { Problem } from '@plaza/kit/problem'
import { bearerOf } from '@plaza/kit/route'
import type { Ctx } from './context.ts'

/** Serves the gateway's question by HTTPS with HTTP/2: one connection for any number of them. Instances may share the port. */
export function serveForwardAuth(ctx: Pick<Ctx, 'config' | 'identity' | 'sessionUse' | 'log'>) {
  const { HOST, FORWARD_AUTH_PORT, TLS_CERT, TLS_KEY } = ctx.config
  if (!TLS_CERT || !TLS_KEY) return undefined
  try {
    return Bun.serve({
      hostname: HOST,
      port: FORWARD_AUTH_PORT,
      tls: { cert: TLS_CERT, key: TLS_KEY },
      http2: true,
      reusePort: true,
      idleTimeout: 120,
      fetch: (request) =>
        request.url.endsWith('/internal/v1/forward-auth')
          ? answer(ctx, request)
          : toResponse(new Problem('not_found', 'There is nothing at this address'), request),
    })
  } catch (cause) {
    throw new StartupError(`port ${FORWARD_AUTH_PORT} is taken: set AUTH_FORWARD_AUTH_PORT`, { cause })
  }
}

/**
 * 200 with the caller's identity as headers, 401, or 503 when nobody can say. It is asked before every
 * request of every user, so no framework stands in front of it.
 */
async function answer(
  { identity, sessionUse, log }: Pick<Ctx, 'identity' | 'sessionUse' | 'log'>,
  request: Request,
): Promise<Response> {
  try {
    const user = await identity.verifyUser(bearerOf(request.headers.get('authorization') ?? undefined))
    sessionUse.note(user.sessionId)
    return new Response(null, {
      headers: { 'X-User-Id': user.userId, 'X-User-Role': user.role, 'X-Session-Id': user.sessionId },
    })
  } catch (error) {
    return refusal(error, request, log)
  }
}

function refusal(cause: unknown, request: Request, log: Log): Response {
  const error = toProblem(cause instanceof Error ? cause : new Error(String(cause)))
  if (error instanceof Problem) return toResponse(error, request)
  unexpectedErrors.inc({ service: 'auth' })
  log.error({ err: error }, 'unexpected error')
  const problem = new Problem('unavailable', 'Nobody can say who this is', { retryAfterSeconds: 1 })
  return toResponse(problem, request)
}

function toResponse(problem: Problem, request: Request): Response {
  const { retryAfterSeconds } = problem.options
  const requestId = requestIdOf(request.headers.get('x-request-id'))
  return new Response(JSON.stringify(problem.body(requestId)), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'X-Request-Id': requestId,
      ...(problem.code === 'unauthenticated' ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
    },
  })
}
