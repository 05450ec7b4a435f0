import { newId } from '@plaza/kit/id'
import type { Role } from '@plaza/kit/identity'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { signAccessToken } from './access-token.ts'
import type { Change } from './change.ts'
import type { Client } from './client-of.ts'
import type { Ctx } from './context.ts'
import type { Me, Session } from './schema.ts'
import { hashToken, newToken } from './token.ts'

/** The columns of users that make a Me. */
export type MeRow = {
  id: string
  username: string
  email: string
  emailVerifiedAt: Date | null
  role: Role
  createdAt: Date
}

export const toMe = (row: MeRow): Me => ({
  id: row.id,
  username: row.username,
  email: row.email,
  emailVerified: row.emailVerifiedAt !== null,
  role: row.role,
  createdAt: row.createdAt.toISOString(),
})

/** Whether a row of users may hold sessions: it is neither deleted nor banned now. */
export const isActive = (sql: Sql | Transaction) =>
  sql`users.deleted_at is null and (users.banned_at is null or users.banned_until <= now())`

/** A session as the database has just made or renewed it. */
export type Opened = MeRow & { sessionId: string; issuedAt: number }

type NewSession = {
  userId: string
  /** The hash that the password was proved against; a session is not opened when it has been replaced since. */
  passwordHash: string
  device: string | undefined
  client: Client
  maxSeconds: number
  /** How many sessions a user may have. */
  limit: number
}

/**
 * Opens a session, unless the account was changed since the password was proved. The row of the user is
 * locked against changes meanwhile, so a revocation comes either before the token's time or after it. Answers also which
 * sessions are too many now, those unused for longest.
 */
export async function openSession(
  sql: Sql | Transaction,
  { userId, passwordHash, device, client, maxSeconds, limit }: NewSession,
): Promise<{ opened: Opened; refreshToken: string; surplus: string[] } | undefined> {
  const refreshToken = newToken()
  const [row] = await sql<(Opened & { surplus: string[] })[]>`
    with owner as materialized (
      select id, username, email, email_verified_at, role, created_at
      from users
      where id = ${userId} and password_hash = ${passwordHash} and ${isActive(sql)}
      for share
    ), opened as (
      insert into sessions (id, user_id, current_hash, device_name, user_agent, ip, expires_at)
      select
        ${newId()}::uuid,
        id,
        ${hashToken(refreshToken)},
        ${device ?? null},
        ${client.userAgent},
        ${client.ip},
        now() + make_interval(secs => ${maxSeconds})
      from owner
      returning id as session_id, extract(epoch from clock_timestamp())::float8 as issued_at
    )
    select owner.*, session_id, issued_at, array(
      -- The new one is not among these yet.
      select id
      from sessions
      where user_id = ${userId} and ended_at is null
      order by last_used_at desc, id desc
      offset ${limit - 1}
    ) as surplus
    from owner, opened`
  if (!row) return undefined
  const { surplus, ...opened } = row
  return { opened, refreshToken, surplus }
}

/** The answer that a person gets for a session. */
export function toSession(
  { keys, config }: Pick<Ctx, 'keys' | 'config'>,
  opened: Opened,
  refreshToken: string,
): Session {
  const { id: userId, sessionId, role, issuedAt } = opened
  const facts = { userId, sessionId, role, issuedAt }
  const token = signAccessToken(keys, config.ACCESS_TOKEN_SECONDS, facts)
  return { user: toMe(opened), sessionId, ...token, refreshToken }
}

export type EndReason =
  | 'logout'
  | 'limit'
  | 'expired'
  | 'refresh_reused'
  | 'password'
  | 'ban'
  | 'deletion'
  | 'admin'

/** Ends one session if it goes on; answers whether it did. */
export async function endSession(
  { tx, revoke }: Change,
  { sessionId, userId, reason }: { sessionId: string; userId: string; reason: EndReason },
): Promise<boolean> {
  const [ended] = await tx<{ id: string }[]>`
    update sessions
    set ended_at = now(), end_reason = ${reason}
    where id = ${sessionId} and user_id = ${userId} and ended_at is null
    returning id`
  if (ended) revoke({ scope: 'session', id: sessionId, notBefore: Date.now() / 1_000 })
  return Boolean(ended)
}

/** Ends every session of a user and voids every token, those of sessions that are just being opened included. */
export async function endAllSessions(change: Change, userId: string, reason: EndReason): Promise<void> {
  await voidTokens(change, userId)
  await endSessions(change.tx, { userId, reason })
}

/** Voids every access token of a user; sessions go on and can be refreshed. */
export async function voidTokens({ tx, revoke }: Change, userId: string): Promise<void> {
  const [row] = await tx<{ notBefore: number }[]>`
    with locked as materialized (
      select id
      from users
      where id = ${userId}
      for no key update
    )
    update users
    set tokens_not_before = clock_timestamp()
    from locked
    where users.id = locked.id
    returning extract(epoch from tokens_not_before)::float8 as not_before`
  if (row) revoke({ scope: 'user', id: userId, notBefore: row.notBefore })
}

/** Ends the sessions of a user but the one that asks; its own tokens stay good. */
export async function endOtherSessions(
  { tx, revoke }: Change,
  { userId, sessionId, reason }: { userId: string; sessionId: string; reason: EndReason },
): Promise<void> {
  const ended = await endSessions(tx, { userId, reason, but: sessionId })
  for (const { id } of ended) revoke({ scope: 'session', id, notBefore: Date.now() / 1_000 })
}

/** Who locks several sessions does so in the order of their ids, so that no two wait for each other. */
const endSessions = (
  tx: Transaction,
  { userId, reason, but = null }: { userId: string; reason: EndReason; but?: string | null },
) =>
  tx<{ id: string }[]>`
    with locked as materialized (
      select id
      from sessions
      where user_id = ${userId} and id is distinct from ${but} and ended_at is null
      order by id
      for no key update
    )
    update sessions
    set ended_at = now(), end_reason = ${reason}
    from locked
    where sessions.id = locked.id
    returning sessions.id`
