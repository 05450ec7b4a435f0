/** How far one conversation has been told, in a form that can be stored. */
export type Place = {
  /** All messages up to here have been told. */
  seq: number
  /** Nearly all changes up to here have been told, or were there before the first connection: see noteRevision. */
  from: number
  /** All changes after the one and up to the other were fetched in a repair, so that a late event of one is old news. */
  fetched: [after: number, upTo: number]
  /** The newest changes that have been told, in ascending order. */
  recent: number[]
  /** Where `from` stood at the first connection, or when the server lost the mailbox: what it delivers up to here is old news. */
  floor?: number
  /** Where `from` stood when a message came beyond a hole that is still there: what is told meanwhile may move it past what is missing. */
  hole?: number
}

/** How far an event may come behind newer ones, as after a fault, before a repair would not look for it. */
const recentChanges = 256

export const newPlace = (seq = 0, from = 0): Place => ({ seq, from, fetched: [0, 0], recent: [] })

/** Whether a change of this revision is certain to have been told. */
export const wasTold = ({ fetched: [after, upTo], recent, floor = 0 }: Place, revision: number): boolean =>
  revision <= floor || (revision > after && revision <= upTo) || recent.includes(revision)

/**
 * Notes a change that has been told. Mailbox order is nearly the order of revisions, so what lies far
 * below the newest is taken for told: a repair starts there rather than at the newest.
 */
export function noteRevision(place: Place, revision: number): void {
  if (revision <= place.from || place.recent.includes(revision)) return
  place.recent.push(revision)
  place.recent.sort((a, b) => a - b)
  while (place.recent.length > recentChanges) place.from = Math.max(place.from, place.recent.shift() ?? 0)
}

/** Notes that everything after a revision and up to another was fetched and has been told. */
export function noteFetched(place: Place, after: number, upTo: number): void {
  const [first, last] = place.fetched
  place.fetched = [after <= last ? Math.min(first, after) : after, Math.max(last, upTo)]
  place.from = Math.max(place.from, upTo)
  place.recent = place.recent.filter((one) => one > place.from)
}

/** The newest revision that has been told. */
export const newestRevision = (place: Place): number => Math.max(place.from, place.recent.at(-1) ?? 0)
