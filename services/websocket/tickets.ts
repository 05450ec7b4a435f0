import { Problem } from '@plaza/kit/problem'
import type { Redis } from '@plaza/kit/redis'
import { z } from 'zod'
import type { Ticket } from './session.ts'

const Kept = z.object({
  userId: z.uuid(),
  sessionId: z.uuid(),
  role: z.enum(['user', 'moderator', 'admin']),
  issuedAt: z.number(),
})

/** Redis never sees the ticket itself, so its contents open no socket. */
const keyOf = (ticket: string) =>
  `ticket:${new Bun.CryptoHasher('sha256').update(ticket).digest('base64url')}`

/** Makes a ticket that opens one socket within `seconds`. */
export async function makeTicket(redis: Redis, whom: Ticket, seconds: number): Promise<string> {
  const ticket = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')
  await redis.set(keyOf(ticket), JSON.stringify(whom), 'EX', seconds)
  return ticket
}

/** Whom a ticket lets in; it is void afterwards. Throws Problem unauthenticated. */
export async function redeemTicket(redis: Redis, ticket: string): Promise<Ticket> {
  const kept = await redis.getdel(keyOf(ticket))
  if (kept === null)
    throw new Problem('unauthenticated', 'The ticket is not valid, or was used', { reason: 'ticket_invalid' })
  return Kept.parse(JSON.parse(kept))
}
