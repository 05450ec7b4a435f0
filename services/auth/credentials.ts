import { Problem } from '@plaza/kit/problem'
import { networkOf } from './client-of.ts'
import type { Ctx } from './context.ts'
import { emailKey, tidyEmail } from './email.ts'
import { hashToken } from './token.ts'
import { hashUsername } from './username.ts'

/** The account that a password was proved for. */
export type Proved = {
  id: string
  passwordHash: string
  bannedAt: Date | null
  bannedUntil: Date | null
}

type Attempt = { login: string; password: string; ip: string | null }

/**
 * Finds the account of a username or address and checks its password. Who is unknown costs the same look-up,
 * count and hash as who gave a wrong password, and gets the same answer. Counted is what an account is looked
 * up by: a count of the account would tell which spellings and addresses belong to one.
 * Throws Problem unauthenticated or limited.
 */
export async function proveByLogin(ctx: Ctx, { login, password, ip }: Attempt): Promise<Proved> {
  // Tidied first, for keyboards of East Asia write a wide @, with which a registration takes the address, too.
  const email = tidyEmail(login).includes('@') ? emailKey(login) : undefined
  const nameHash = hashUsername(login)
  const find = () => ctx.sql<Proved[]>`
    select id, password_hash, banned_at, banned_until
    from users
    where ${email ? ctx.sql`email_key = ${email}` : ctx.sql`username_hash = ${nameHash}`}
      and deleted_at is null`
  const account = (email ? hashToken(email) : nameHash).toString('base64url')
  const proved = await prove(ctx, { find, account, password, ip })
  if (!proved) throw wrongCredentials()
  return proved
}

/** Checks the password of somebody who is logged in. Throws Problem forbidden or limited. */
export async function proveByUser(
  ctx: Ctx,
  { userId, password, ip }: { userId: string; password: string; ip: string | null },
): Promise<Proved> {
  const find = () => ctx.sql<Proved[]>`
    select id, password_hash, banned_at, banned_until
    from users
    where id = ${userId} and deleted_at is null`
  const proved = await prove(ctx, { find, account: userId, password, ip })
  if (!proved) throw new Problem('forbidden', 'The password is wrong', { reason: 'password_wrong' })
  return proved
}

type Proof = { find(): Promise<Proved[]>; account: string; password: string; ip: string | null }

/**
 * An attempt on an account is counted before the password is checked, so that many at once find no gap, and by where it
 * comes from, so that few can keep the owner out elsewhere; for an address only failures count, since a whole school
 * may log in from one. Counting and looking up share a round trip, for on a busy machine each costs more than its work.
 */
async function prove(
  { throttle, hashing, config }: Ctx,
  { find, account, password, ip }: Proof,
): Promise<Proved | undefined> {
  const windowSeconds = config.LOGIN_WINDOW_SECONDS
  const network = ip && networkOf(ip)
  const [fromHere, fromAll] = [`account:${account}:${network}`, `account:${account}`]
  const failures = network ? [{ key: `ip:${network}`, limit: config.LOGIN_IP_LIMIT, windowSeconds }] : []
  const [[found]] = await Promise.all([
    find(),
    throttle.take(
      ...failures.map((limit) => ({ ...limit, uncounted: true })),
      { key: fromHere, limit: config.LOGIN_ACCOUNT_LIMIT, windowSeconds },
      { key: fromAll, limit: config.LOGIN_ACCOUNT_TOTAL_LIMIT, windowSeconds },
    ),
  ])
  const matches = await hashing.verify(found?.passwordHash, password)
  if (found && matches) {
    // Nobody waits for it: at worst a little is counted that need not be.
    void throttle.reset(fromHere, fromAll)
    return found
  }
  if (failures.length > 0) await throttle.tryTake(...failures)
  return undefined
}

export const wrongCredentials = () =>
  new Problem('unauthenticated', 'The name, the address or the password is wrong', {
    reason: 'credentials_wrong',
  })
