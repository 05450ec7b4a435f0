import { createRoute, z } from '@hono/zod-openapi'
import { newId } from '@plaza/kit/id'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, json, jsonBody, problems } from '@plaza/kit/route'
import { change } from '../change.ts'
import { clientOf } from '../client-of.ts'
import type { Ctx } from '../context.ts'
import { emailKey } from '../email.ts'
import { userRegistered } from '../events.ts'
import { queueMail } from '../mail-queue.ts'
import { Device, Email, NewPassword, Session, Username } from '../schema.ts'
import { openSession, toSession } from '../sessions.ts'
import { hashLooks, hashUsername } from '../username.ts'
import { claimLooks } from '../username-looks.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/auth/register',
  operationId: 'register',
  'x-access': 'public',
  tags: ['Account'],
  summary: 'Make an account and log in',
  description:
    'Opens the first session at once and mails a link that confirms the address. When the answer was ' +
    'lost, log in.\n\n' +
    'Errors: 400 `password_weak`, with a hint in `detail`; 409 `username_taken`, also for a name that looks ' +
    'like another, or `email_taken`; 429 ' +
    '`busy` while too many passwords are being checked.',
  request: {
    body: jsonBody(
      z.object({ username: Username, email: Email, password: NewPassword, device: Device.optional() }),
      'Who it is',
    ),
  },
  responses: { 201: json(Session, 'The first session'), ...problems },
} as const)

/** Makes the account, its first session, its event and the mail that verifies the address in one commit. */
export const register = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { username, email, password, device } = c.req.valid('json')
    const names = { looks: hashLooks(username), emailKey: emailKey(email) }
    await assertNameFree(ctx, names.looks)
    await ctx.strength.assertStrong({ password, field: 'password', username, email })
    const passwordHash = await ctx.hashing.hash(password)
    const userId = newId()
    const session = await change(ctx, async ({ tx, emit }) => {
      const [user] = await tx<{ createdAt: Date }[]>`
        insert into users (id, username, username_hash, email, email_key, password_hash)
        values (${userId}, ${username}, ${hashUsername(username)}, ${email}, ${names.emailKey}, ${passwordHash})
        on conflict do nothing
        returning created_at`
      if (!user) return undefined
      if (!(await claimLooks(tx, { id: userId, looks: names.looks }))) throw nameTaken()
      await queueMail(tx, { kind: 'verify_email', userId })
      const createdAt = user.createdAt.toISOString()
      emit(userRegistered.emit({ subject: userId, actor: userId, data: { userId, username, createdAt } }))
      return await openSession(tx, {
        userId,
        passwordHash,
        device: device?.name,
        client: clientOf(c, ctx.config.PROXY_DEPTH),
        maxSeconds: ctx.config.SESSION_MAX_SECONDS,
        limit: ctx.config.SESSION_LIMIT,
      })
    })
    if (!session) {
      await assertFree(ctx, names)
      throw new Problem('conflict', 'The name or the address was taken just now', {
        reason: 'username_taken',
      })
    }
    ctx.mails.poke()
    return c.json(toSession(ctx, session.opened, session.refreshToken), 201)
  })

/** Whether an address has an account is told only after a hash was paid for, and one is made where it has none. */
async function assertNameFree({ sql }: Ctx, looks: string[]): Promise<void> {
  const [taken] = await sql`select from username_looks where hash = any(${looks}::text[]) limit 1`
  if (taken) throw nameTaken()
}

async function assertFree({ sql }: Ctx, names: { looks: string[]; emailKey: string }): Promise<void> {
  const [taken] = await sql<{ name: boolean; address: boolean }[]>`
    select
      exists (select from username_looks where hash = any(${names.looks}::text[])) as name,
      exists (select from users where email_key = ${names.emailKey}) as address`
  if (taken?.name) throw nameTaken()
  if (taken?.address)
    throw new Problem('conflict', 'This address has an account already', { reason: 'email_taken' })
}

const nameTaken = () =>
  new Problem('conflict', 'This name, or one that looks like it, is taken', { reason: 'username_taken' })
