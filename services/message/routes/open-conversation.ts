import { createRoute, z } from '@hono/zod-openapi'
import { askForUser } from '@plaza/auth/ask-for-user'
import { Id, newId } from '@plaza/kit/id'
import { idempotent } from '@plaza/kit/idempotency'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, IdempotencyHeaders, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from '../context.ts'
import { findConversations } from '../conversation-row.ts'
import { conversationCreated } from '../events.ts'
import { keepPeople } from '../people.ts'
import { Conversation } from '../schema.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/conversations',
  operationId: 'openConversation',
  'x-access': 'user',
  tags: ['Conversations'],
  summary: 'Find or make the direct conversation with somebody',
  description:
    '200 when there is one already, 201 when it is new; it may be repeated. It can be opened with a ' +
    'person who does not accept messages from you: they are told nothing, and a send then answers 403 ' +
    '`not_accepting`.\n\n' +
    'Errors: 400 `oneself`; 404 for a person who does not exist or has deleted their account; 429 ' +
    '`too_many_opened` after 1,000 new ones within a day, unless the operator has set otherwise.',
  request: {
    headers: IdempotencyHeaders,
    body: jsonBody(z.object({ userId: Id }), 'The other person'),
  },
  responses: {
    200: json(Conversation, 'The conversation there is'),
    201: json(Conversation, 'A new one'),
    ...problems,
  },
} as const)

const absentPerson = () => new Problem('not_found', 'There is no such person')

/**
 * Finds or makes the direct conversation with somebody. It can be opened with a person who does not
 * accept messages, who is then told nothing; only the send is refused. Throws not_found for nobody,
 * and limited when the caller has opened too many today.
 */
export const openConversation = (ctx: Ctx) =>
  defineRoute(
    route,
    async (c) => {
      const { userId } = userOf(c)
      const peerId = c.req.valid('json').userId
      if (peerId === userId)
        throw new Problem('invalid', 'A conversation is with somebody else', { reason: 'oneself' })
      const foundId = await findOpen(ctx, userId, peerId)
      const { id, made } = foundId ? { id: foundId, made: false } : await open(ctx, userId, peerId)
      const [conversation] = await findConversations(ctx.sql, userId, { ids: [id], limit: 1 })
      if (!conversation) throw absentPerson()
      return made ? c.json(conversation, 201) : c.json(conversation, 200)
    },
    [idempotent(ctx.sql, 'openConversation', { doneAgain: true })],
  )

async function findOpen({ sql }: Ctx, userId: string, peerId: string): Promise<string | undefined> {
  const [found] = await sql<{ id: string; gone: boolean }[]>`
    select id, exists (select from tombstones where user_id = ${peerId}) as gone
    from memberships
    where user_id = ${userId} and peer_id = ${peerId}`
  if (found?.gone) throw absentPerson()
  return found?.id
}

async function open({ outbox, auth, config }: Ctx, userId: string, peerId: string) {
  if (!(await askForUser(auth, peerId))) throw absentPerson()
  const [low, high] = [userId, peerId].sort()
  return await outbox.transaction(async (tx, emit) => {
    await assertRoom(tx, userId, config.MAX_OPENED_PER_DAY)
    await keepPeople(tx, [userId, peerId])
    const id = newId()
    const createdAt = new Date().toISOString()
    const [made] = await tx<{ peerAccepts: boolean }[]>`
      insert into conversations (id, low_user_id, high_user_id, created_at, active_at, opened_by, low_accepts, high_accepts)
      select ${id}, low, high, ${createdAt}, ${createdAt}, ${userId}, may_write(high, low), may_write(low, high)
      from (values (${low ?? ''}::uuid, ${high ?? ''}::uuid)) as pair (low, high)
      where not exists (select from tombstones where user_id in (low, high))
      on conflict (low_user_id, high_user_id) do nothing
      returning case when low_user_id = ${userId} then high_accepts else low_accepts end as peer_accepts`
    if (!made) return { id: await findMade(tx, userId, peerId), made: false }
    emit(
      conversationCreated.emit({
        subject: id,
        version: 0,
        actor: userId,
        data: { id, memberIds: [userId, peerId].sort(), createdAt },
        recipients: made.peerAccepts ? [userId, peerId] : [userId],
      }),
    )
    return { id, made: true }
  })
}

const lockSpace = 7_152

/** The lock lets those whom one person opens at the same time be counted one after the other. */
async function assertRoom(tx: Transaction, userId: string, most: number): Promise<void> {
  await tx`select pg_advisory_xact_lock(${lockSpace}, hashtext(${userId}))`
  const opened = await tx`
    select from conversations
    where opened_by = ${userId} and created_at > now() - interval '1 day'
    limit ${most}`
  if (opened.length >= most)
    throw new Problem('limited', `You have opened ${most} conversations within a day: wait a while`, {
      reason: 'too_many_opened',
    })
}

/** Nothing was made: somebody else made it at this moment, or the person is deleted. */
async function findMade(tx: Transaction, userId: string, peerId: string) {
  const [row] = await tx<{ id: string }[]>`
    select id
    from memberships
    where user_id = ${userId} and peer_id = ${peerId}
      and not exists (select from tombstones where tombstones.user_id = ${peerId})`
  if (!row) throw absentPerson()
  return row.id
}
