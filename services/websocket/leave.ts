import type { Ctx } from './context.ts'
import { closeCodes } from './frames.ts'
import type { Parts } from './parts.ts'
import { close, pushFrame } from './push.ts'

const graceMs = 250

/**
 * Sends every socket elsewhere before this node ends: each is told at once within what time to come back,
 * and closed at a time of its own, so that the other nodes are not stormed.
 */
export async function sendElsewhere({ sessions, config }: Ctx, { sends }: Parts): Promise<void> {
  const leaving = [...sessions.all()]
  const spreadMs = config.RESUME_SECONDS * 1_000
  for (const session of leaving)
    pushFrame(session, { type: 'resume', withinMs: Math.round(Math.random() * spreadMs) })
  // What a client said before it heard of this is still worked on, and answered.
  await Bun.sleep(graceMs)
  await Promise.race([sends.idle(), Bun.sleep(2_000)])
  const startedAt = performance.now()
  for (const [index, session] of leaving.entries()) {
    const wait = startedAt + (spreadMs * index) / leaving.length - performance.now()
    if (wait > 5) await Bun.sleep(wait)
    if (session.phase !== 'closed') close(session, closeCodes.resumeElsewhere, 'resume elsewhere')
  }
}
