import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { idempotent } from '@plaza/kit/idempotency'
import { Problem } from '@plaza/kit/problem'
import { defineRoute, IdempotencyHeaders, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Transaction } from '@plaza/kit/sql'
import { readContact } from '../contacts.ts'
import type { Ctx } from '../context.ts'
import { changeRelations, type Decision, type Pair } from '../relations.ts'
import { Contact } from '../schema.ts'
import { tellRelations } from '../tell-message.ts'

const route = createRoute({
  method: 'post',
  path: '/api/v1/contacts',
  operationId: 'requestContact',
  'x-access': 'user',
  tags: ['Contacts'],
  summary: 'Ask somebody to be a contact',
  description:
    '201 when it changed something: `state` is `outgoing`, or `accepted` when the other person had ' +
    'asked you. 200 when it was so already. Up to 200 requests may wait for an answer, refused ones ' +
    'among them, for a refusal is not told; withdraw one by removing the contact. A person who has ' +
    'blocked you gives the same answer, and the request does not reach them. The same person can be ' +
    'asked three times within a day.\n\n' +
    'Errors: 400 for yourself; 404 for a person who does not exist or has deleted their account; 409 ' +
    '`blocked` when you have blocked them; 429 `too_many_requests_open`, or ' +
    '`asked_too_often`; after a 503 repeat it.',
  request: {
    headers: IdempotencyHeaders,
    body: jsonBody(z.object({ userId: Id }).openapi('ContactRequest'), 'Whom to ask'),
  },
  responses: {
    200: json(Contact, 'It was so already'),
    201: json(Contact, 'Asked, or a contact at once when the other had asked'),
    ...problems,
  },
} as const)

/**
 * Asks someone to be a contact; asking someone who has asked accepts. The answer is the same when the other
 * has blocked the caller, and the request then reaches nobody. Throws limited with too many unanswered, and
 * for who has asked the same person three times within a day.
 */
export const requestContact = (ctx: Ctx) =>
  defineRoute(
    route,
    async (c) => {
      const { userId } = userOf(c)
      const { userId: otherId } = c.req.valid('json')
      if (otherId === userId) throw new Problem('invalid', 'Nobody can be their own contact')
      let asked = false
      const pair = await changeRelations(ctx, { userId, otherId }, async (before, tx) => {
        const decision = ask(before)
        asked = decision.mine !== undefined
        if (decision.mine?.state === 'outgoing') {
          await assertRoom(tx, userId, ctx.config.MAX_OUTGOING_REQUESTS)
          await countAsk(tx, userId, otherId)
        }
        return decision
      })
      if (pair.mine.state === 'accepted') await tellRelations(ctx, [pair.mine, pair.theirs])
      return c.json(await readContact(ctx.sql, pair.mine), asked ? 201 : 200)
    },
    [idempotent(ctx.sql, 'requestContact', { doneAgain: true })],
  )

/** Nobody is made a contact in their own view unless they asked or accepted themselves. */
function ask({ mine, theirs }: Pair): Decision {
  if (mine.blocked)
    throw new Problem('conflict', 'You have blocked this person: unblock them first', { reason: 'blocked' })
  if (mine.state === 'outgoing' || mine.state === 'accepted') return {}
  const theyAsked = theirs.state === 'outgoing'
  if (theyAsked || theirs.state === 'accepted' || mine.state === 'incoming')
    return { mine: { state: 'accepted' }, ...(theyAsked ? { theirs: { state: 'accepted' } } : {}) }
  return { mine: { state: 'outgoing' }, ...(theirs.blocked ? {} : { theirs: { state: 'incoming' } }) }
}

async function assertRoom(tx: Transaction, userId: string, most: number): Promise<void> {
  const waiting = await tx`
    select from relations
    where owner_id = ${userId} and state = 'outgoing'
    limit ${most}`
  if (waiting.length >= most)
    throw new Problem('limited', `${most} of your requests wait for an answer: withdraw some first`, {
      reason: 'too_many_requests_open',
    })
}

const mostAsksADay = 3

/** Counts by what the asker does alone, so that the answer tells of no refusal and no block. */
async function countAsk(tx: Transaction, userId: string, otherId: string): Promise<void> {
  await tx`
    delete from contact_asks
    where owner_id = ${userId} and since < now() - interval '1 day'`
  const [counted] = await tx<{ asks: number }[]>`
    insert into contact_asks (owner_id, other_id, asks)
    values (${userId}, ${otherId}, 1)
    on conflict (owner_id, other_id) do update
    set asks = contact_asks.asks + 1
    returning asks`
  if (counted && counted.asks > mostAsksADay)
    throw new Problem('limited', `The same person can be asked ${mostAsksADay} times within a day`, {
      reason: 'asked_too_often',
    })
}
