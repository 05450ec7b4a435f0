import type { Sql } from '@plaza/kit/sql'
import type { Client } from './client-of.ts'
import { isActive, type Opened } from './sessions.ts'
import { hashToken, newToken } from './token.ts'

type Rotation = { token: string; client: Client; idleSeconds: number }

/**
 * Exchanges a refresh token for a new one. The token before it is good, too, as long as the present one
 * was never shown: then its answer was lost, and the one it held becomes void. One statement under the
 * lock of the user's row; undefined when the token is good for nothing.
 */
export async function rotateRefreshToken(
  sql: Sql,
  { token, client, idleSeconds }: Rotation,
): Promise<{ opened: Opened; refreshToken: string } | undefined> {
  const shown = hashToken(token)
  const refreshToken = newToken()
  const [opened] = await sql<Opened[]>`
    with owner as materialized (
      select users.id, username, email, email_verified_at, role, users.created_at
      from sessions
      join users on users.id = sessions.user_id
      where (current_hash = ${shown} or previous_hash = ${shown}) and ${isActive(sql)}
      for share of users
    ), rotated as (
      update sessions
      set current_hash = ${hashToken(refreshToken)},
        previous_hash = ${shown},
        refreshed_at = now(),
        last_used_at = now(),
        user_agent = coalesce(${client.userAgent}, user_agent),
        ip = coalesce(${client.ip}, ip)
      from owner
      where user_id = owner.id
        and (current_hash = ${shown} or previous_hash = ${shown})
        and ended_at is null
        and expires_at > now()
        and refreshed_at > now() - make_interval(secs => ${idleSeconds})
      returning
        sessions.id as session_id,
        case when old.current_hash = ${shown} then old.previous_hash else old.current_hash end as dropped_hash,
        extract(epoch from clock_timestamp())::float8 as issued_at
    ), spent as (
      insert into spent_refresh_tokens (hash, session_id)
      select dropped_hash, session_id
      from rotated
      where dropped_hash is not null
    )
    select owner.*, session_id, issued_at
    from owner, rotated`
  return opened && { opened, refreshToken }
}

/** The session that goes on although a token of it was shown that nobody should have any more. */
export async function findReuse(
  sql: Sql,
  token: string,
): Promise<{ sessionId: string; userId: string } | undefined> {
  const [reuse] = await sql<{ sessionId: string; userId: string }[]>`
    select session_id, user_id
    from spent_refresh_tokens
    join sessions on sessions.id = session_id
    where hash = ${hashToken(token)} and ended_at is null`
  return reuse
}
