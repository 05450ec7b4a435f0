import type { Role } from '@plaza/kit/identity'
import { Problem } from '@plaza/kit/problem'
import type { Sql, Transaction } from '@plaza/kit/sql'
import type { AdminUser } from './schema.ts'

export type AdminUserRow = {
  id: string
  username: string | null
  email: string | null
  emailVerifiedAt: Date | null
  role: Role
  createdAt: Date
  deletedAt: Date | null
  bannedAt: Date | null
  bannedUntil: Date | null
  banReason: string | null
}

/** The columns of users that make an AdminUser. */
export const adminUserColumns = (sql: Sql | Transaction) =>
  sql`id, username, email, email_verified_at, role, created_at, deleted_at, banned_at, banned_until, ban_reason`

export const toAdminUser = (row: AdminUserRow): AdminUser => ({
  id: row.id,
  username: row.username,
  email: row.email,
  emailVerified: row.emailVerifiedAt !== null,
  role: row.role,
  createdAt: row.createdAt.toISOString(),
  deletedAt: row.deletedAt?.toISOString() ?? null,
  ban: toBan(row),
})

/** A ban that has run out is none. */
function toBan({ bannedAt, bannedUntil, banReason }: AdminUserRow): AdminUser['ban'] {
  if (!bannedAt || (bannedUntil && bannedUntil <= new Date())) return null
  return {
    reason: banReason ?? '',
    since: bannedAt.toISOString(),
    until: bannedUntil?.toISOString() ?? null,
  }
}

/** An account as an admin sees it, the deleted ones included. Throws Problem not_found. */
export async function findAdminUser(sql: Sql | Transaction, userId: string): Promise<AdminUser> {
  const [row] = await sql<AdminUserRow[]>`
    select ${adminUserColumns(sql)}
    from users
    where id = ${userId}`
  if (!row) throw new Problem('not_found', 'There is no such user')
  return toAdminUser(row)
}
