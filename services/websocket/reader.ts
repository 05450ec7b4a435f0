import type { Log } from '@plaza/kit/log'
import type { Fetch } from '@plaza/kit/peers'
import type { Redis } from '@plaza/kit/redis'
import {
  fillPointers,
  findGap,
  formatCursor,
  MailboxesAway,
  openMailbox,
  type Page,
  type Place,
  parseCursor,
  readGeneration,
  readMailbox,
} from '@plaza/relay/mailbox'
import { closeCodes, heartbeatSeconds } from './frames.ts'
import { type Gap, readScopes } from './gap.ts'
import { catchUps } from './metrics.ts'
import { close, push, pushFrame } from './push.ts'
import type { Session } from './session.ts'
import { type Sessions, statusOf } from './sessions.ts'

/** Brings each socket what its mailbox holds, in the mailbox's order and nothing twice. */
export type Reader = {
  /** Answers hello: says where delivery goes on, then brings what is there. Waits for a Redis that is away. */
  open(session: Session, cursor: string | undefined): Promise<void>
  /** A frame that was just appended; it goes out at once when it follows the last one that was sent. */
  live(session: Session, epoch: string, n: number, text: string): void
  /** Reads on from what was last sent. */
  catchUp(session: Session): Promise<void>
  /** The socket has taken what it held. */
  drained(session: Session): void
  /** Compares a user's sockets with the mailbox, and keeps the node's place in the registry. */
  check(userId: string): Promise<void>
}

type Options = { redis: Redis; message: Fetch; user: Fetch; log: Log; node: string; sessions: Sessions }

/** What a socket may hold that its reader has not taken yet. */
const pageBytes = 256 << 10
const retryMs = 500
const maxReads = 32

export const eventFrame = (epoch: string, n: number, text: string): string =>
  `{"type":"event","cursor":"${epoch}-${n}","event":${text}}`

export function createReader({ redis, message, user, log, node, sessions }: Options): Reader {
  const turn = createTurns(maxReads)

  /** The place of the mailbox in the present generation; undefined for an erased user. */
  const find = async (userId: string): Promise<Place | undefined> => {
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
        if (!(error instanceof MailboxesAway)) log.debug({ err: error }, 'mailbox not opened')
        await Bun.sleep(retryMs)
      }
    }
    return undefined
  }
  /** Goes on at the oldest frame that is there, after telling what to repair. */
  const beginAnew = async (session: Session, place: Place, gap: Gap['reason'], greet?: () => void) => {
    const scopes = await readScopes({ message, user, log }, session.userId)
    session.epoch = place.epoch
    session.lastSent = place.trimmedTo
    greet?.()
    pushFrame(session, {
      type: 'gap',
      cursor: formatCursor({ epoch: place.epoch, n: place.trimmedTo }),
      reason: gap,
      scopes,
    })
  }
  const open: Reader['open'] = async (session, cursorText) => {
    session.phase = 'opening'
    const place = await findPatiently(session)
    if (!place || session.phase !== 'opening') return
    const cursor = cursorText === undefined ? undefined : parseCursor(cursorText)
    const gap = cursorText === undefined ? undefined : findGap(cursor, place)
    const greet = (resumed: boolean) =>
      pushFrame(session, {
        type: 'ready',
        sessionId: session.sessionId,
        cursor: formatCursor({ epoch: session.epoch, n: session.lastSent }),
        resumed,
        heartbeatSeconds,
      })
    if (gap) {
      await beginAnew(session, place, gap, () => greet(false))
    } else {
      session.epoch = place.epoch
      session.lastSent = cursor?.n ?? place.n
      greet(cursor !== undefined)
    }
    if (session.phase !== 'opening') return
    session.phase = 'open'
    if (session.behind || place.n > session.lastSent) void catchUp(session)
  }
  /** A session whose place the mailbox does not know any more finds a gap. Answers whether reading can go on. */
  const reopen = async (session: Session): Promise<boolean> => {
    const place = await findPatiently(session)
    if (!place || session.phase !== 'open') return false
    const gap = findGap({ epoch: session.epoch, n: session.lastSent }, place)
    session.behind = true
    if (gap) await beginAnew(session, place, gap)
    return session.phase === 'open'
  }
  /** Sends a page, each frame looked at. Answers false when the socket did not take all of it. */
  const sendPage = (session: Session, frames: NonNullable<Page['frames']>, texts: (string | undefined)[]) => {
    let taken = true
    session.socket?.cork(() => {
      for (const [index, { n }] of frames.entries()) {
        const text = texts[index]
        taken = text === undefined || push(session, eventFrame(session.epoch, n, text))
        if (!taken) return
        session.lastSent = n
      }
    })
    return taken
  }
  const readPage = async (session: Session): Promise<boolean> => {
    const { userId, epoch, lastSent } = session
    const page = await readMailbox(redis, userId, { epoch, n: lastSent }, pageBytes)
    if (!page.frames) return await reopen(session)
    const texts = await fillPointers(
      message,
      userId,
      page.frames.map((frame) => frame.stored),
    )
    if (session.phase !== 'open' || !sendPage(session, page.frames, texts)) return false
    // Frames that were taken out at the mailbox's end leave nothing to send.
    if (page.frames.length === 0) session.lastSent = page.place.n
    if (session.lastSent < page.place.n) session.behind = true
    return true
  }
  const catchUp: Reader['catchUp'] = async (session) => {
    if (session.reading || session.phase !== 'open') return
    session.reading = true
    catchUps.inc()
    try {
      do {
        session.behind = false
        if (!(await turn(() => readPage(session)))) break
        noteStall(session)
      } while (session.phase === 'open' && session.stalledAt === 0 && session.behind)
    } catch (error) {
      session.behind = true
      log.debug({ err: error }, 'mailbox not read')
      setTimeout(() => void catchUp(session), retryMs).unref()
    } finally {
      session.reading = false
    }
  }
  return {
    open,
    catchUp,
    live(session, epoch, n, text) {
      if (epoch === session.epoch && n <= session.lastSent) return
      const follows = epoch === session.epoch && n === session.lastSent + 1
      if (follows && session.phase === 'open' && !session.reading && session.stalledAt === 0) {
        if (push(session, text)) session.lastSent = n
        return
      }
      session.behind = true
      if (session.stalledAt === 0) void catchUp(session)
    },
    drained(session) {
      noteStall(session)
      if (session.stalledAt === 0 && session.behind) void catchUp(session)
    },
    async check(userId) {
      const place = await find(userId)
      for (const session of sessions.of(userId)) {
        if (!place || session.phase !== 'open' || session.reading) continue
        if (session.epoch === place.epoch && session.lastSent >= place.n) continue
        session.behind = true
        if (session.stalledAt === 0) void catchUp(session)
      }
    },
  }
}

/** Notes whether the socket still holds what was handed to it, and since when it holds as much. */
export function noteStall(session: Session): void {
  const held = session.socket?.getBufferedAmount() ?? 0
  if (held === 0) session.stalledAt = 0
  else if (session.stalledAt === 0 || held < session.stalledBytes) session.stalledAt = Date.now()
  session.stalledBytes = held
}

/** Lets so many run at once and the rest wait, so that a storm of returning devices does not fill the memory with pages. */
function createTurns(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
