import type { Sql, Transaction } from '@plaza/kit/sql'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { absentConversation } from './refusals.ts'
import type { Conversation, Message } from './schema.ts'

/** A conversation as one of its two people sees it (view `memberships`). */
export type Membership = {
  id: string
  userId: string
  peerId: string
  createdAt: Date
  activeAt: Date
  seq: number
  revision: number
  accepts: boolean
  peerAccepts: boolean
  deliveredSeq: number
  readSeq: number
  /** 0 where the peer keeps it private. */
  peerDeliveredSeq: number
  peerReadSeq: number
}

const unreadAtMost = 1_000

/** The columns of a Membership, for a statement that reads from `memberships` joined by `joinPeerPrivacy`. */
const membershipColumns = (sql: Sql | Transaction) => sql`
  memberships.id, memberships.user_id, peer_id, created_at, active_at, seq, revision, accepts, peer_accepts,
  delivered_seq, read_seq, peer_sent_seq,
  case when coalesce(send_delivery_receipts, true) then peer_delivered_seq else 0 end as peer_delivered_seq,
  case when coalesce(send_read_receipts, true) then peer_read_seq else 0 end as peer_read_seq`

const joinPeerPrivacy = (sql: Sql | Transaction) => sql`left join privacy on privacy.user_id = peer_id`

/** Throws not_found when the user is not in the conversation, or there is none. */
export async function findMembership(
  sql: Sql | Transaction,
  conversationId: string,
  userId: string,
): Promise<Membership> {
  const [membership] = await sql<Membership[]>`
    select ${membershipColumns(sql)}
    from memberships
    ${joinPeerPrivacy(sql)}
    where memberships.id = ${conversationId} and memberships.user_id = ${userId}`
  if (!membership) throw absentConversation()
  return membership
}

type Selection = {
  ids?: readonly string[]
  after?: readonly [activeAt: string, id: string] | undefined
  limit: number
}

/** One in which nothing was ever said is left out of lists for whom does not want to hear of its opener. */
export const isListed = (sql: Sql | Transaction) => sql`(seq > 0 or accepts)`

/** A user's conversations, the last active first, each with its last message and what is unread. */
export async function findConversations(
  sql: Sql | Transaction,
  userId: string,
  { ids, after, limit }: Selection,
): Promise<Conversation[]> {
  const rows = await sql<(Membership & { unread: number })[]>`
    select page.*, unread
    from (
      select ${membershipColumns(sql)}
      from memberships
      ${joinPeerPrivacy(sql)}
      where memberships.user_id = ${userId}
        and ${ids ? sql`memberships.id = any(${[...ids]}::uuid[])` : isListed(sql)}
        and ${after ? sql`(active_at, memberships.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql`true`}
      order by active_at desc, memberships.id desc
      limit ${limit}
    ) as page
    cross join lateral (${unreadOf(sql)}) as counted
    order by active_at desc, id desc`
  const last = await findLastMessages(sql, rows)
  return rows.map((row) => toConversation(row, last.get(row.id) ?? null))
}

/** How many messages, and in how many conversations, a user has not read. */
export async function countUnread(sql: Sql, userId: string) {
  const [total] = await sql<{ messages: number; conversations: number }[]>`
    select coalesce(sum(unread), 0)::int as messages, count(*) filter (where unread > 0) as conversations
    from (
      select id, peer_id, read_seq, peer_sent_seq
      from memberships
      where user_id = ${userId} and peer_sent_seq > read_seq
    ) as page
    cross join lateral (${unreadOf(sql)}) as counted`
  return total ?? { messages: 0, conversations: 0 }
}

/** Counts what the peer of a row named `page` wrote above its `read_seq`; free where there is nothing. */
const unreadOf = (sql: Sql | Transaction) => sql`
  select count(*) as unread
  from (
    select
    from messages
    where page.peer_sent_seq > page.read_seq
      and messages.conversation_id = page.id
      and messages.seq > page.read_seq
      and messages.seq <= page.peer_sent_seq
      and messages.sender_id = page.peer_id
      and messages.deleted_at is null
    limit ${unreadAtMost}
  ) as unread_message`

async function findLastMessages(
  sql: Sql | Transaction,
  conversations: readonly Membership[],
): Promise<Map<string, Message>> {
  const rows = await sql<MessageRow[]>`
    select ${messageColumns(sql)}
    from unnest(
      ${conversations.map(({ id }) => id)}::uuid[],
      ${conversations.map(({ seq }) => seq)}::int[]
    ) as last (conversation_id, seq)
    join messages on messages.conversation_id = last.conversation_id and messages.seq = last.seq`
  return new Map(rows.map((row) => [row.conversationId, toMessage(row)]))
}

const toConversation = (row: Membership & { unread: number }, lastMessage: Message | null): Conversation => ({
  id: row.id,
  kind: 'direct',
  memberIds: [row.userId, row.peerId].sort(),
  seq: row.seq,
  revision: row.revision,
  lastMessage,
  unread: row.unread,
  deliveredSeq: row.deliveredSeq,
  readSeq: row.readSeq,
  peer: { userId: row.peerId, deliveredSeq: row.peerDeliveredSeq, readSeq: row.peerReadSeq },
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.activeAt.toISOString(),
})
