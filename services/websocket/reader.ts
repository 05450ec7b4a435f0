import { fillPointers, type Page, readMailbox } from '@plaza/relay/mailbox'
import { noteFailure } from './faults.ts'
import { catchUps } from './metrics.ts'
import { createOpening, type OpeningOptions } from './opening.ts'
import { takeOwn } from './own.ts'
import { push } from './push.ts'
import type { Session } from './session.ts'
import { createTurns } from './turns.ts'

/** Brings each socket what its mailbox holds, in the mailbox's order and nothing twice. */
export type Reader = {
  /** Answers hello: says where delivery goes on, then brings what is there. Waits for a Redis that is away. */
  open(session: Session, cursor: string | undefined): Promise<void>
  /**
   * A frame that was just appended, with its event's id; it goes out at once when it follows the last one that was
   * sent, unless the socket knows of it by `sent`.
   */
  live(session: Session, epoch: string, n: number, frame: { id: string; text: string }): void
  /** Reads on from what was last sent. */
  catchUp(session: Session): Promise<void>
  /** The socket has taken what it held. */
  drained(session: Session): void
  /** Compares a user's sockets with the mailbox, and keeps the node's place in the registry. */
  check(userId: string): Promise<void>
}

type Options = Omit<OpeningOptions, 'restored'>

/** What a socket may hold that its reader has not taken yet. */
const pageBytes = 256 << 10
const retryMs = 500
const maxReads = 32

export const eventFrame = (epoch: string, n: number, text: string): string =>
  `{"type":"event","cursor":"${epoch}-${n}","event":${text}}`

export function createReader(options: Options): Reader {
  const { redis, message, log, sessions } = options
  const opening = createOpening({
    ...options,
    restored(session) {
      session.behind = true
      void catchUp(session)
    },
  })
  const turn = createTurns(maxReads)

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
    if (!page.frames) return await opening.reopen(session)
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
      session.reading = false
    } catch (error) {
      noteFailure(log, error, 'mailbox not read')
      retryLater(session)
    }
  }
  /** Until then it counts as reading, or each frame that comes meanwhile would begin tries of its own. */
  const retryLater = (session: Session) => {
    session.behind = true
    setTimeout(() => {
      session.reading = false
      void catchUp(session)
    }, retryMs).unref()
  }
  return {
    async open(session, cursor) {
      if ((await opening.hello(session, cursor)) && session.behind) void catchUp(session)
    },
    catchUp,
    live(session, epoch, n, { id, text }) {
      if (epoch === session.epoch && n <= session.lastSent) return
      const follows = epoch === session.epoch && n === session.lastSent + 1
      if (follows && session.phase === 'open' && !session.reading && session.stalledAt === 0) {
        if (takeOwn(session, id) || push(session, text)) session.lastSent = n
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
      // Who has left since the round began must not be noted as there.
      if (sessions.of(userId).length === 0) return
      const place = await opening.find(userId)
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
  else if (session.stalledAt === 0 || held < session.stalledBytes) session.stalledAt = performance.now()
  session.stalledBytes = held
}
