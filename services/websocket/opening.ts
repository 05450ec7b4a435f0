import type { Log } from '@plaza/kit/log'
import type { Fetch } from '@plaza/kit/peers'
import type { Redis } from '@plaza/kit/redis'
import {
  findGap,
  formatCursor,
  type GapReason,
  MailboxesAway,
  openMailbox,
  type Place,
  parseCursor,
  readGeneration,
} from '@plaza/relay/mailbox'
import { noteFailure } from './faults.ts'
import { closeCodes, heartbeatSeconds } from './frames.ts'
import { readScopes } from './gap.ts'
import { close, pushFrame } from './push.ts'
import type { Session } from './session.ts'
import { type Sessions, statusOf } from './sessions.ts'
import { createTurns } from './turns.ts'

/** Finds where a socket's delivery begins in its mailbox. */
export type Opening = {
  /** The place of a user's mailbox, with this node noted as one of the user's; undefined for an erased user. */
  find(userId: string): Promise<Place | undefined>
  /** Answers hello, once Redis is there. False when the socket has closed meanwhile. */
  hello(session: Session, cursorText: string | undefined): Promise<boolean>
  /** Tells a socket of a gap when its mailbox does not know its place any more. False when it cannot go on. */
  reopen(session: Session): Promise<boolean>
}

export type OpeningOptions = {
  redis: Redis
  message: Fetch
  user: Fetch
  relay: Fetch
  log: Log
  node: string
  sessions: Sessions
  /** Told when a mailbox may hold more than when its place was found. */
  restored(session: Session): void
}

const retryMs = 500
const restoresAtOnce = 8

export function createOpening({
  redis,
  message,
  user,
  relay,
  log,
  node,
  sessions,
  restored,
}: OpeningOptions): Opening {
  const find: Opening['find'] = async (userId) => {
    const generation = await readGeneration(redis)
    const status = statusOf(sessions.of(userId))
    return await openMailbox(redis, userId, { generation, node: { id: node, status } })
  }
  /** Tries again while Redis is away; undefined when the socket is gone, or its user. */
  const findPatiently = async (session: Session): Promise<Place | undefined> => {
    while (session.phase !== 'closed') {
      try {
        const place = await find(session.userId)
        if (!place) close(session, closeCodes.sessionEnded, 'the account is gone')
        return place
      } catch (error) {
        if (!(error instanceof MailboxesAway)) noteFailure(log, error, 'mailbox not opened')
        await Bun.sleep(retryMs)
      }
    }
    return undefined
  }
  const greet = (session: Session, resumed: boolean) =>
    pushFrame(session, {
      type: 'ready',
      sessionId: session.sessionId,
      cursor: formatCursor({ epoch: session.epoch, n: session.lastSent }),
      resumed,
      heartbeatSeconds,
    })
  const restoring = createTurns(restoresAtOnce)
  /** What was enqueued is told of nowhere but in the mailbox: relay puts it there again. */
  const restoreQueue = async (session: Session) => {
    while (session.phase !== 'closed') {
      try {
        const url = `http://relay/internal/v1/users/${session.userId}/queue`
        const answer = await restoring(() => relay(url, { method: 'PUT' }))
        if (answer.ok) return restored(session)
        throw new Error(`relay answered ${answer.status}`)
      } catch (error) {
        noteFailure(log, error, 'queue not restored')
        await Bun.sleep(retryMs)
      }
    }
  }
  /** Goes on at the oldest frame that is there, after telling what to repair. */
  const beginAnew = async (session: Session, place: Place, reason: GapReason, greeting: boolean) => {
    const scopes = await readScopes({ message, user, log }, session.userId)
    session.epoch = place.epoch
    session.lastSent = place.trimmedTo
    if (greeting) greet(session, false)
    pushFrame(session, {
      type: 'gap',
      cursor: formatCursor({ epoch: place.epoch, n: place.trimmedTo }),
      reason,
      scopes,
    })
    void restoreQueue(session)
  }
  return {
    find,
    async hello(session, cursorText) {
      session.phase = 'opening'
      const place = await findPatiently(session)
      if (!place) return false
      const cursor = cursorText === undefined ? undefined : parseCursor(cursorText)
      const gap = cursorText === undefined ? undefined : findGap(cursor, place)
      if (gap) await beginAnew(session, place, gap, true)
      else {
        session.epoch = place.epoch
        session.lastSent = cursor?.n ?? place.n
        greet(session, cursor !== undefined)
      }
      if (session.phase !== 'opening') return false
      session.phase = 'open'
      if (place.n > session.lastSent) session.behind = true
      return true
    },
    async reopen(session) {
      const place = await findPatiently(session)
      if (!place || session.phase !== 'open') return false
      const gap = findGap({ epoch: session.epoch, n: session.lastSent }, place)
      session.behind = true
      if (gap) await beginAnew(session, place, gap, false)
      return session.phase === 'open'
    },
  }
}
