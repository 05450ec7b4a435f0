import { Problem } from '@plaza/kit/problem'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { hashToken, newToken } from './token.ts'

export type Purpose = 'verify_email' | 'reset_password'

type Issue = { userId: string; emailKey: string; purpose: Purpose; lifeSeconds: number }

/** A token for a mailed link. */
export async function issueOneTimeToken(
  sql: Sql,
  { userId, emailKey, purpose, lifeSeconds }: Issue,
): Promise<string> {
  const token = newToken()
  await sql`
    insert into one_time_tokens (hash, user_id, purpose, email_key, expires_at)
    values (${hashToken(token)}, ${userId}, ${purpose}, ${emailKey}, now() + make_interval(secs => ${lifeSeconds}))`
  return token
}

type Holder = { userId: string; username: string; email: string }

/** Whose token it is, if it is still good; nothing is spent. */
export async function findTokenHolder(
  sql: Sql | Transaction,
  token: string,
  purpose: Purpose,
): Promise<Holder | undefined> {
  const [holder] = await sql<Holder[]>`
    select user_id, username, email
    from one_time_tokens
    join users on users.id = user_id and users.email_key = one_time_tokens.email_key
    where hash = ${hashToken(token)}
      and purpose = ${purpose}
      and expires_at > now()
      and deleted_at is null`
  return holder
}

/** Spends a token and every other of its kind; false when it was spent meanwhile. */
export async function spendToken(tx: Transaction, token: string, purpose: Purpose): Promise<boolean> {
  const [spent] = await tx<{ userId: string }[]>`
    delete from one_time_tokens
    where hash = ${hashToken(token)} and purpose = ${purpose} and expires_at > now()
    returning user_id`
  if (!spent) return false
  await tx`delete from one_time_tokens where user_id = ${spent.userId} and purpose = ${purpose}`
  return true
}

export const invalidToken = () =>
  new Problem('invalid', 'The link has been used or is too old: ask for another', { reason: 'token_invalid' })
