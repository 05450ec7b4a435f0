import { z } from '@hono/zod-openapi'

/** Every code with its status. */
export const statuses = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
} as const

const titles: Record<ProblemCode, string> = {
  invalid: 'The request is not valid',
  unauthenticated: 'Log in first',
  forbidden: 'This is not allowed',
  not_found: 'There is no such thing',
  conflict: 'This contradicts the present state',
  limited: 'Too many requests',
  unavailable: 'Try again in a moment',
}

export type ProblemCode = keyof typeof statuses

/** The body of every error answer: RFC 9457 problem details, with Plaza's code. */
export const ProblemBody = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.enum([
      'invalid',
      'unauthenticated',
      'forbidden',
      'not_found',
      'conflict',
      'limited',
      'unavailable',
      'internal',
    ]),
    reason: z
      .string()
      .optional()
      .openapi({ description: 'What a program can act on, for example not_accepting' }),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    requestId: z.string().optional(),
  })
  .openapi('Problem')
export type ProblemBody = z.infer<typeof ProblemBody>

type Options = {
  /** What a program can act on, in snake_case. */
  reason?: string
  errors?: { path: string; message: string }[]
  /** Where HTTP has a narrower status than the code's own: 413, 415, 422. */
  status?: 413 | 415 | 422 | 431
  retryAfterSeconds?: number
  /** For the log only; never shown to the caller. */
  cause?: unknown
}

/** The one error that reaches a caller. Anything else that is thrown is a bug, and answers a bare 500. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: number
  readonly options: Omit<Options, 'cause'>

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    { cause, ...options }: Options = {},
  ) {
    // Only here, where the log writes no more of it than its message: it may carry a command or a row.
    super(detail, { cause })
    this.options = options
    this.status = options.status ?? statuses[code]
  }

  body(requestId?: string): ProblemBody {
    const { reason, errors } = this.options
    return {
      type: 'about:blank',
      title: titles[this.code],
      status: this.status,
      code: this.code,
      reason,
      detail: this.detail,
      errors,
      requestId,
    }
  }
}

/** Whether a value is a problem with this reason, or with any when none is named. */
export const isProblem = (value: unknown, reason?: string): value is Problem =>
  value instanceof Problem && (reason === undefined || value.options.reason === reason)
