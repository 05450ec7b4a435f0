import postgres from 'postgres'
import { openSqlSocket, type Server } from './sql-socket.ts'

/** A connection pool, or a transaction of it. Columns are snake_case in SQL and camelCase in code. */
export type Sql = postgres.Sql<{ bigint: number }>
export type Transaction = postgres.TransactionSql<{ bigint: number }>

type Options = { url: string; name: string; connections?: number; answerMs?: number }

const statementMs = 15_000

/** Connects lazily to one service's database. bigint columns arrive as numbers: they count, and stay below 2^53. */
export function connectSql({ url, name, connections = 10, answerMs = statementMs + 5_000 }: Options): Sql {
  return postgres(url, {
    max: connections,
    connect_timeout: 5,
    idle_timeout: 60,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    connection: {
      application_name: name,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: statementMs,
    },
    transform: { column: { from: postgres.toCamel } },
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
    onnotice: () => {},
    // Its types do not know this option. Among several hosts it chooses itself, by sockets of its own.
    ...(url.includes(',') ? {} : { socket: (server: Server) => openSqlSocket(server, answerMs) }),
  })
}

/** Whether the database could not be asked, as opposed to having refused what was asked. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code.startsWith('CONNECTION_') ||
    code === 'CONNECT_TIMEOUT' ||
    code.startsWith('08') ||
    code.startsWith('57P') ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', '53300'].includes(code)
  )
}

/**
 * Whether the database is away, or can do nothing of the kind for now: it is out of disk, memory or connections
 * (SQLSTATE class 53), or only to be read, as one that stands by is (25006).
 */
export const isOutage = (error: unknown): boolean =>
  isConnectionError(error) || codeOf(error).startsWith('53') || codeOf(error) === '25006'

/** Whether Postgres gave a statement up for taking too long (SQLSTATE 57014). */
export const isStatementTimeout = (error: unknown): boolean => codeOf(error) === '57014'

/** Whether Postgres gave a statement up for waiting too long for a lock, or for one that waits for it (SQLSTATE 55P03, 40P01). */
export const isLockedOut = (error: unknown): boolean => ['55P03', '40P01'].includes(codeOf(error))

/** Whether Postgres refused a value that no text column can hold, such as NUL (SQLSTATE 22021, 22P05). */
export const isTextError = (error: unknown): boolean => ['22021', '22P05'].includes(codeOf(error))

/** Whether Postgres refused a number or a time that its column cannot hold (SQLSTATE 22003, 22007, 22008). */
export const isRangeError = (error: unknown): boolean => ['22003', '22007', '22008'].includes(codeOf(error))

/** Whether a unique constraint (SQLSTATE 23505), by name when one is given, refused the write. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof postgres.PostgresError &&
  error.code === '23505' &&
  (constraint === undefined || error.constraint_name === constraint)

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
