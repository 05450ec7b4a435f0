import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
} from 'cockatiel'
import { z } from 'zod'
import type { Log } from './log.ts'
import { Problem } from './problem.ts'
import type { ServiceTokens } from './service-token.ts'
import { carryOrigin } from './trace.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

type Options = {
  /** The service that is called. */
  name: string
  /** Its instances. */
  urls: readonly string[]
  tokens: ServiceTokens
  log: Log
  timeoutMs?: number
  /** Its own handler, when it runs in this very process: the same routes and checks without the wire. */
  local?: () => ((request: Request) => Response | Promise<Response>) | undefined
}

const repeatable = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/**
 * How one service calls another: with a service token, a time-out, one repeat on another instance where
 * that is safe (an idempotent method, or a request that says so by an Idempotency-Key), and a breaker for
 * each instance. Throws Problem unavailable when no instance answers; one that says why it refuses is well.
 */
export function createPeer({ name, urls, tokens, log, timeoutMs = 2_000, local }: Options): Fetch {
  const instances = urls.map((url) => ({ url: new URL(url), breaker: createBreaker(name, url, log) }))
  let turn = 0

  return async (input, init) => {
    const request = input instanceof Request ? new Request(input, init) : new Request(String(input), init)
    if (!request.headers.has('authorization'))
      request.headers.set('authorization', `Bearer ${await tokens.issue()}`)
    carryOrigin(request.headers)
    const here = local?.()
    if (here) return await here(request)
    const canRepeat = repeatable.has(request.method) || request.headers.has('idempotency-key')
    const body = request.body ? await request.arrayBuffer() : undefined
    let failure: unknown
    for (
      let attempt = 0;
      attempt < (canRepeat ? Math.max(2, instances.length) : instances.length);
      attempt += 1
    ) {
      turn = (turn + 1) % instances.length
      const instance = instances[turn]
      if (!instance) break
      try {
        return await instance.breaker.execute(() => send(request, instance.url, body, timeoutMs))
      } catch (error) {
        failure = error
        // An open breaker means that nothing was sent, so another instance may always be tried.
        if (!canRepeat && !(error instanceof BrokenCircuitError)) break
      }
    }
    throw new Problem('unavailable', `${name} does not answer`, { cause: failure, retryAfterSeconds: 1 })
  }
}

async function send(
  request: Request,
  base: URL,
  body: ArrayBuffer | undefined,
  timeoutMs: number,
): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const signal = AbortSignal.timeout(timeoutMs)
  const answer = await fetch(new URL(pathname + search, base), {
    method: request.method,
    headers: request.headers,
    body,
    signal,
  })
  if (answer.status >= 502 && !(await isReasoned(answer)))
    throw new Error(`${base.host} answered ${answer.status}`)
  return answer
}

const Reasoned = z.object({ reason: z.string() })

/** Whether a peer that is well refuses this one call for a while, as when too much of its kind is under way. */
const isReasoned = async (answer: Response): Promise<boolean> =>
  answer.status === 503 &&
  Reasoned.safeParse(
    await answer
      .clone()
      .json()
      .catch(() => undefined),
  ).success

function createBreaker(name: string, url: string, log: Log): CircuitBreakerPolicy {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(5) })
  breaker.onBreak(() => log.warn({ peer: name, url }, 'circuit opened'))
  breaker.onReset(() => log.info({ peer: name, url }, 'circuit closed'))
  return breaker
}
