import { isPassing, PlazaError } from './error.ts'
import { backOff, pause } from './pause.ts'
import type { ProblemBody } from './wire.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Fetch = (url: URL, init: RequestInit) => Promise<Response>

export type Call = {
  body?: unknown
  headers?: Record<string, string>
  query?: Record<string, string | number | undefined>
  /** Whether the call may be made again when its answer was lost. All but POST may. */
  repeat?: boolean
}

/** One call and its answer, repeated with growing pauses while the failure looks passing. Throws PlazaError. */
export type Exchange = <Answer>(method: Method, path: string, call?: Call) => Promise<Answer>

type Options = { url: string | URL; fetch: Fetch; signal: AbortSignal; tries?: number; timeoutMs?: number }

const longestWaitMs = 10_000

export function createExchange(options: Options): Exchange {
  const { signal, tries = 6 } = options
  return async (method, path, call = {}) => {
    const { repeat = method !== 'POST' } = call
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await once(options, method, path, call)
      } catch (error) {
        const wait = waitFor(error, attempt)
        if (!repeat || attempt + 1 >= tries || wait === undefined || signal.aborted) throw error
        await pause(wait, signal)
      }
    }
  }
}

/** How long to wait before a repeat; undefined when there is no point in one. */
function waitFor(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof PlazaError) || !isPassing(error)) return undefined
  const asked = error.retryAfterMs ?? 0
  return asked > longestWaitMs ? undefined : asked + backOff(attempt)
}

async function once<Answer>(options: Options, method: Method, path: string, call: Call): Promise<Answer> {
  const { url, fetch, signal, timeoutMs = 15_000 } = options
  const target = new URL(path, url)
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) target.searchParams.set(name, String(value))
  const body = call.body === undefined ? null : JSON.stringify(call.body)
  const headers = { ...(body === null ? {} : { 'content-type': 'application/json' }), ...call.headers }
  let answer: Response
  let text: string
  try {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    answer = await fetch(target, { method, headers, body, signal: ended })
    text = await answer.text()
  } catch (cause) {
    throw new PlazaError({}, undefined, { cause })
  }
  if (!answer.ok) throw toError(answer, text)
  return parse<Answer>(text)
}

/** The server's types are trusted here, once: checking each answer again would make every front end carry the schemas. */
function parse<Answer>(text: string): Answer {
  try {
    return (text === '' ? undefined : JSON.parse(text)) as Answer
  } catch (cause) {
    // Plaza answers JSON: this was cut off, or is from somebody else, such as a network that wants a log-in.
    throw new PlazaError({}, undefined, { cause })
  }
}

function toError(answer: Response, text: string): PlazaError {
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
  const isProblem = answer.headers.get('content-type')?.includes('application/problem+json')
  const problem: Partial<ProblemBody> = isProblem
    ? parse(text)
    : { status: answer.status, code: codeOf(answer.status) }
  return new PlazaError(
    { title: `answered ${answer.status}`, ...problem },
    Number.isNaN(seconds) ? undefined : seconds * 1_000,
  )
}

/** What an answer that is no problem means: it comes from the gateway, or from what stands before it. */
function codeOf(status: number): ProblemBody['code'] {
  if (status === 429) return 'limited'
  // Plaza's own 404 is a problem; a bare one comes from a gateway that has not read its routes yet.
  return status >= 502 || status === 404 ? 'unavailable' : 'internal'
}
