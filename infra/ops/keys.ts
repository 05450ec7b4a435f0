import { type AuthOps, openAuthOps, rotateKeys } from '@plaza/auth/ops'
import { type Target, variable } from './where.ts'

/** Makes the next signing key. Tokens that older keys signed stay good until they expire. */
export const rotateSigningKeys = async (target: Target) => {
  const id = await withAuth(target, rotateKeys)
  console.log(`key ${id} is published within seconds and signs a minute later; older tokens stay good`)
}

/** Runs work with auth's own operator functions, and closes them. */
export const withAuth = async <T>(target: Target, work: (auth: AuthOps) => Promise<T>): Promise<T> => {
  variable(target, 'auth', 'DATABASE_URL')
  const auth = await openAuthOps(target.environment, target.log)
  try {
    return await work(auth)
  } finally {
    await auth.stop()
  }
}
