import { Problem } from '@plaza/kit/problem'
import type { Sql } from '@plaza/kit/sql'
import type { Me } from './schema.ts'
import { type MeRow, toMe } from './sessions.ts'

/** An account that is not deleted. */
export async function findUser(sql: Sql, userId: string): Promise<Me | undefined> {
  const [row] = await sql<MeRow[]>`
    select id, username, email, email_verified_at, role, created_at
    from users
    where id = ${userId} and deleted_at is null`
  return row && toMe(row)
}

/** The account of somebody who holds a token. Throws Problem unauthenticated when it is no more. */
export async function findMe(sql: Sql, userId: string): Promise<Me> {
  const me = await findUser(sql, userId)
  if (!me) throw new Problem('unauthenticated', 'The account has been deleted', { reason: 'revoked' })
  return me
}
