import { createRoute, z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { QueryInt } from '@plaza/kit/page'
import { defineRoute, json, problems, userOf } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'
import { findMembership } from '../conversation-row.ts'
import { type MessageRow, messageColumns, toMessage } from '../message-row.ts'
import { Message, Pointers } from '../schema.ts'

const Changes = z
  .object({
    items: z.array(Message).openapi({ description: 'As they are now, in the order of `revision`' }),
    receipts: z.array(Pointers).openapi({ description: "Both people's pointers" }),
    revision: z.int().openapi({ description: '`after` of the next question' }),
    more: z.boolean().openapi({ description: 'Whether there are more: ask again' }),
  })
  .openapi('Changes')

const route = createRoute({
  method: 'get',
  path: '/api/v1/conversations/{conversationId}/changes',
  operationId: 'listChanges',
  'x-access': 'user',
  tags: ['Messages'],
  summary: 'List what changed in a conversation since a revision',
  description:
    'Each message that is new or was changed since `after`, once, as it is now, in the order of ' +
    '`revision`; up to 100 in an answer. While `more` is true, ask again with `after` set to the ' +
    '`revision` of the answer. A device repairs a gap by it.\n\n' +
    '404 for a conversation that does not exist and for one of other people alike.',
  request: {
    params: z.object({ conversationId: Id }),
    query: z.object({
      after: QueryInt(0, 2_147_483_647)
        .default(0)
        .openapi({ description: 'The `revision` up to which all is known; 0 asks for everything' }),
      limit: QueryInt(1, 100).default(100),
    }),
  },
  responses: { 200: json(Changes, 'What changed since a revision'), ...problems },
} as const)

/**
 * What a device missed: each message that is new or has changed since a revision, once. The conversation
 * is read first, so whatever its revision counts is among the messages read after it. None of them is left out for
 * having changed since, for a device could not tell it from a hole; the pointers are read again then, for they may be
 * no older than the revision.
 */
export const listChanges = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { conversationId } = c.req.valid('param')
    const { after, limit } = c.req.valid('query')
    const find = () => findMembership(ctx.sql, conversationId, userOf(c).userId)
    const conversation = await find()
    const rows = await ctx.sql<MessageRow[]>`
      select ${messageColumns(ctx.sql)}
      from messages
      where conversation_id = ${conversationId} and revision > ${after}
      order by revision
      limit ${limit + 1}`
    const items = rows.slice(0, limit).map(toMessage)
    const more = rows.length > limit
    const last = items.at(-1)?.revision ?? 0
    const { userId, peerId, deliveredSeq, readSeq, peerDeliveredSeq, peerReadSeq } =
      last > conversation.revision ? await find() : conversation
    return c.json(
      {
        items,
        receipts: [
          { userId, deliveredSeq, readSeq },
          { userId: peerId, deliveredSeq: peerDeliveredSeq, readSeq: peerReadSeq },
        ],
        revision: Math.max(more ? 0 : conversation.revision, last),
        more,
      },
      200,
    )
  })
