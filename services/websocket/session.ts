import type { Role } from '@plaza/kit/identity'
import type { ServerWebSocket } from 'bun'

export type Socket = ServerWebSocket<Session>

/** Whom a ticket lets in. */
export type Ticket = { userId: string; sessionId: string; role: Role; issuedAt: number }

/**
 * One socket's state. There may be many thousands, so it holds numbers and short strings, and no buffer:
 * what a socket has not got yet stays in the mailbox. Its times are those of `performance.now()`, which nobody sets.
 */
export type Session = Ticket & {
  socket: Socket | undefined
  /** `new` until hello, `opening` until ready was sent. */
  phase: 'new' | 'opening' | 'open' | 'closed'
  since: number
  /** The mailbox's epoch, and the last frame of it that was handed to the socket. */
  epoch: string
  lastSent: number
  /** The mailbox has, or may have, frames after lastSent. */
  behind: boolean
  /** Reading from the mailbox; live frames wait there meanwhile. */
  reading: boolean
  /** The socket holds bytes that its reader has not taken: since when, and how many at the last look. */
  stalledAt: number
  stalledBytes: number
  /** Messages that `sent` has told the socket of, and whose events have not come yet. */
  own: string[] | undefined
  status: 'online' | 'away'
  frames: number
  bytes: number
  budgetAt: number
  faults: number
  /** Whose presence it wants, and whether it may see it. */
  watching: Map<string, boolean> | undefined
  visibleAt: number
  typedAt: number
}

export const newSession = (ticket: Ticket): Session => ({
  ...ticket,
  socket: undefined,
  phase: 'new',
  since: performance.now(),
  epoch: '',
  lastSent: 0,
  behind: false,
  reading: false,
  stalledAt: 0,
  stalledBytes: 0,
  own: undefined,
  status: 'online',
  frames: 0,
  bytes: 0,
  budgetAt: 0,
  faults: 0,
  watching: undefined,
  visibleAt: 0,
  typedAt: 0,
})
