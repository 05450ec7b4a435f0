import type { ProblemBody } from './wire.ts'

/** Every failure of a call: what the server answered, or `unreachable` when nothing came back. */
export class PlazaError extends Error {
  override name = 'PlazaError'
  readonly status: number
  readonly code: ProblemBody['code'] | 'unreachable'
  /** What a program can act on, for example `not_accepting`. */
  readonly reason: string | undefined

  constructor(
    readonly problem: Partial<ProblemBody>,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(problem.detail ?? problem.title ?? 'Plaza cannot be reached', options)
    this.status = problem.status ?? 0
    this.code = problem.code ?? 'unreachable'
    this.reason = problem.reason
  }
}

/** Whether an error says that nobody is logged in any more. */
export const isLoggedOut = (error: unknown): boolean =>
  error instanceof PlazaError && error.code === 'unauthenticated'

/** Whether the same call may well succeed a little later. */
export const isPassing = (error: unknown): boolean =>
  error instanceof PlazaError &&
  (error.code === 'unreachable' ||
    error.code === 'unavailable' ||
    error.status === 429 ||
    error.status >= 502 ||
    error.reason === 'in_flight')
