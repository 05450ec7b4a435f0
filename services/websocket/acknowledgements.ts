import { Problem } from '@plaza/kit/problem'
import { formatCursor, parseCursor } from '@plaza/relay/mailbox'
import type { Ctx } from './context.ts'
import { bringTo, createPointers, type Pointers } from './pointers.ts'
import type { Session } from './session.ts'

const everyMs = 1_000

/** What devices acknowledged, brought to relay together: the newest of each session. */
export const createAcknowledgements = ({ relay, log }: Pick<Ctx, 'relay' | 'log'>): Pointers<string> =>
  createPointers<string>({
    log,
    everyMs,
    maxBatch: 500,
    merge: (_kept, value) => value,
    bring: (items) =>
      bringTo(
        relay,
        'PUT',
        'http://relay/internal/v1/acknowledgements',
        items.map(({ userId, sessionId, value }) => ({ userId, sessionId, cursor: value })),
      ),
  })

/** Notes how far a device is. Throws Problem for a place that this socket was not sent. */
export function acknowledge(acknowledgements: Pointers<string>, session: Session, text: string): void {
  const cursor = parseCursor(text)
  if (!cursor) throw new Problem('invalid', 'The cursor is not one of ours', { reason: 'cursor_invalid' })
  // What a device still holds of an epoch that has ended is of no use to anybody.
  if (cursor.epoch !== session.epoch) return
  if (cursor.n > session.lastSent)
    throw new Problem('conflict', 'Nothing so new was sent', { reason: 'cursor_ahead' })
  acknowledgements.note(session, '', formatCursor(cursor))
}
