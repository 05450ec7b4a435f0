import type { Config } from './config.ts'
import type { Session } from './session.ts'

/** Takes what a frame costs beside itself; false, and nothing is taken, when the budget has less. */
export function spendMore(session: Session, frames: number): boolean {
  if (session.frames < frames) return false
  session.frames -= frames
  return true
}

/**
 * Takes a frame from a socket's budget: `ok`, `refused` when it is spent, `over` when the socket goes on for
 * another burst all the same. What was not used comes back with time, up to the burst.
 */
export function spend(
  session: Session,
  bytes: number,
  config: Config,
  now: number,
): 'ok' | 'refused' | 'over' {
  const first = session.budgetAt === 0
  const minutes = first ? 0 : (now - session.budgetAt) / 60_000
  const frames = first ? config.FRAMES_BURST : session.frames + minutes * config.FRAMES_PER_MINUTE
  const held = first ? config.BYTES_BURST : session.bytes + minutes * config.BYTES_PER_MINUTE
  session.budgetAt = now
  session.frames = Math.min(frames, config.FRAMES_BURST) - 1
  session.bytes = Math.min(held, config.BYTES_BURST) - bytes
  if (session.frames < -config.FRAMES_BURST) return 'over'
  if (session.bytes < -config.BYTES_BURST) return 'over'
  return session.frames < 0 || session.bytes < 0 ? 'refused' : 'ok'
}
