/** A place in a mailbox: after its n-th frame, as counted since the mailbox's epoch began. */
export type Cursor = { epoch: string; n: number }

/** Where a mailbox stands: its newest frame, and the newest that it no longer holds. */
export type Place = Cursor & { trimmedTo: number }

/** Why a mailbox cannot go on from a cursor: it began anew, it dropped what comes next, or it ends before. */
export type GapReason = 'epoch' | 'trimmed' | 'ahead'

export const formatCursor = ({ epoch, n }: Cursor): string => `${epoch}-${n}`

const form = /^(\d{1,10}\.[0-9a-z]{1,16})-(\d{1,15})$/

/** The place that a cursor names; undefined when it is none of ours. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch, n] = form.exec(text) ?? []
  return epoch && n ? { epoch, n: Number(n) } : undefined
}

/** Why reading cannot go on from the cursor; undefined when it can. */
export function findGap(cursor: Cursor | undefined, place: Place): GapReason | undefined {
  if (cursor?.epoch !== place.epoch) return 'epoch'
  if (cursor.n < place.trimmedTo) return 'trimmed'
  return cursor.n > place.n ? 'ahead' : undefined
}
