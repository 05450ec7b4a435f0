import type { Role } from '@plaza/kit/identity'
import { Problem } from '@plaza/kit/problem'
import type { Transaction } from '@plaza/kit/sql'
import type { Change } from './change.ts'
import { userRoleChanged } from './events.ts'
import { isActive, voidTokens } from './sessions.ts'

type RoleChange = { userId: string; role: Role; actor?: string }

/** Gives a user a role, and voids the tokens that name another. Throws Problem not_found, or conflict for the last admin. */
export async function changeRole(change: Change, { userId, role, actor }: RoleChange): Promise<void> {
  if (role !== 'admin') await assertAdminRemains(change.tx, userId)
  const [user] = await change.tx<{ role: Role }[]>`
    select role
    from users
    where id = ${userId} and deleted_at is null
    for no key update`
  if (!user) throw new Problem('not_found', 'There is no such user')
  if (user.role === role) return
  await change.tx`update users set role = ${role} where id = ${userId}`
  await voidTokens(change, userId)
  change.emit(userRoleChanged.emit({ subject: userId, actor, data: { userId, role } }))
}

/**
 * Throws Problem conflict if nobody could administer once this user no longer can. The admins' rows stay
 * locked until the end of the transaction, so that two cannot remove each other at the same time.
 */
export async function assertAdminRemains(tx: Transaction, userId: string): Promise<void> {
  const admins = await tx<{ id: string }[]>`
    select id
    from users
    where role = 'admin' and ${isActive(tx)}
    order by id
    for no key update`
  if (admins.length === 1 && admins[0]?.id === userId)
    throw new Problem('conflict', 'This is the last admin: make another one first', { reason: 'last_admin' })
}
