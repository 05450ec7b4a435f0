import { z } from '@hono/zod-openapi'
import { askForUser } from '@plaza/auth/ask-for-user'
import { Id } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'
import { writeNameWords } from './name-words.ts'
import type { Person, Profile } from './schema.ts'

type Account = { userId: string; username: string; createdAt: string }

const AuthUser = z.object({ id: Id, username: z.string(), createdAt: z.string() })

/** Makes a person's row unless there is one; a tombstone counts as one, so nobody comes back. */
export async function createPerson(tx: Transaction, { userId, username, createdAt }: Account): Promise<void> {
  const [created] = await tx`
    insert into people (user_id, username, created_at, updated_at)
    values (${userId}, ${username}, ${createdAt}, ${createdAt})
    on conflict do nothing
    returning user_id`
  if (created) await writeNameWords(tx, { userId, username, displayName: null })
}

/** Makes sure that another person's row is there, asking auth when the news has not come yet. Throws not_found. */
export async function ensurePerson(ctx: Ctx, userId: string): Promise<void> {
  if (!(await isPerson(ctx, userId))) throw new Problem('not_found', 'There is no such person')
}

/** The same for the caller. Throws unauthenticated when the account is gone though its token has not expired. */
export async function ensureSelf(ctx: Ctx, userId: string): Promise<void> {
  if (!(await isPerson(ctx, userId))) throw accountGone()
}

export const accountGone = () =>
  new Problem('unauthenticated', 'The account has been deleted', { reason: 'revoked' })

async function isPerson(ctx: Ctx, userId: string): Promise<boolean> {
  const [known] = await ctx.sql<{ erased: boolean }[]>`
    select erased_at is not null as erased
    from people
    where user_id = ${userId}`
  if (known) return !known.erased
  const answer = await askForUser(ctx.auth, userId)
  if (!answer) return false
  const { id, username, createdAt } = AuthUser.parse(await answer.json())
  await ctx.sql.begin((tx) => createPerson(tx, { userId: id, username, createdAt }))
  // The deletion may have come in between, in which case the row that is there is a tombstone.
  const [person] = await ctx.sql`select from people where user_id = ${userId} and erased_at is null`
  return person !== undefined
}

/** A row of people with the profile's columns. */
export type ProfileRow = Omit<Profile, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date }

export const toProfile = (row: ProfileRow): Profile => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

/** The columns that lists join of a person. */
export type PersonRow = Person

export const toPerson = ({ userId, username, displayName, avatar }: PersonRow): Person => ({
  userId,
  username,
  displayName,
  avatar,
})
