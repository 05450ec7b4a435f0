import { every } from '@plaza/kit/every'
import { generationSubject } from '@plaza/relay/mailbox'
import type { Ctx } from './context.ts'
import { closeCodes } from './frames.ts'
import type { Parts } from './parts.ts'
import { close } from './push.ts'
import { noteStall } from './reader.ts'
import type { Session } from './session.ts'

/** Looks after the sockets: those that are late, those that are slow, those whose wake-ups may be lost. */
export type Watch = {
  opened(session: Session): void
  closed(session: Session): void
  stop(): Promise<void>
}

const tickMs = 1_000
const maxAtOnce = 500

export function startWatch(ctx: Ctx, { reader, typing }: Parts): Watch {
  const { config, log, nats, sessions } = ctx
  const greeting = new Set<Session>()
  let round: { left: string[]; share: number; startedAt: number } = {
    left: [],
    share: 0,
    startedAt: Number.NEGATIVE_INFINITY,
  }

  const checkUsers = async (users: readonly string[]) => {
    for (let from = 0; from < users.length; from += maxAtOnce) {
      const checks = users.slice(from, from + maxAtOnce).map((userId) => reader.check(userId))
      for (const check of await Promise.allSettled(checks))
        if (check.status === 'rejected') log.debug({ err: check.reason }, 'mailbox not checked')
    }
  }
  /** Wake-ups may have been lost for everybody. */
  const checkAll = () => void checkUsers([...sessions.users()])
  /** A part of all users at each tick, so that everybody's turn comes once in CHECK_SECONDS. */
  const checkSome = async () => {
    if (round.left.length === 0 && performance.now() - round.startedAt >= config.CHECK_SECONDS * 1_000) {
      const left = [...sessions.users()]
      round = { left, share: Math.ceil(left.length / config.CHECK_SECONDS), startedAt: performance.now() }
    }
    await checkUsers(round.left.splice(0, round.share))
  }
  const checkTimes = () => {
    const now = performance.now()
    for (const session of greeting) {
      if (session.phase !== 'new') greeting.delete(session)
      else if (now - session.since > config.HELLO_SECONDS * 1_000)
        close(session, closeCodes.timeOut, 'hello did not come')
    }
    for (const session of sessions.all()) {
      if (session.stalledAt === 0) continue
      noteStall(session)
      if (session.stalledAt === 0) reader.drained(session)
      else if (now - session.stalledAt > config.STALL_SECONDS * 1_000)
        close(session, closeCodes.slow, 'resume')
    }
  }
  // Looked at once the server knows of the subscriptions again, else what comes in between is lost unseen.
  const stopReconnect = nats.onReconnect(() => void nats.connection.flush().then(checkAll, checkAll))
  const announced = nats.connection.subscribe(generationSubject, { callback: checkAll })
  const stops = [
    every(tickMs, log, async () => checkTimes()),
    every(tickMs, log, () => typing.sweep()),
    every(tickMs, log, checkSome),
  ]
  return {
    opened: (session) => void greeting.add(session),
    closed: (session) => void greeting.delete(session),
    async stop() {
      stopReconnect()
      announced.unsubscribe()
      await Promise.all(stops.map((stop) => stop()))
    },
  }
}
