import { grantRole } from '@plaza/auth/ops'
import { Role } from '@plaza/kit/identity'
import { Failure } from '../failure.ts'
import { withAuth } from './keys.ts'
import type { Target } from './where.ts'

/** Gives a person a role, also the first admin. Their running sessions take it on at their next refresh. */
export const grantAdmin = async (target: Target, username = '', name = 'admin') => {
  const role = Role.safeParse(name)
  if (!role.success) throw new Failure(`there is no role "${name}": user, moderator or admin`)
  await withAuth(target, (auth) => grantRole(auth, username, role.data))
  console.log(`${username} is ${role.data} now`)
}
