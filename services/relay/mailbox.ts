import type { Redis } from '@plaza/kit/redis'
import type { Cursor, Place } from './cursor.ts'
import { generationKey, keysOf } from './keys.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { readPointer } from './pointer.ts'
import { runScript } from './script.ts'
import { openScript, readScript } from './scripts.ts'
import { entryOf, leaseMs, type Status } from './where.ts'

/**
 * Relay's third face. Nodes of sockets read mailboxes in Redis by these functions: a drain by HTTP would
 * encode, send and decode every frame once more, and double its cost.
 */
export { type Cursor, findGap, formatCursor, type GapReason, type Place, parseCursor } from './cursor.ts'
export { MailboxesAway } from './mailboxes-away.ts'
export { fillPointers } from './pointer.ts'
export { generationSubject, readWakeUps, type WakeUp, wakeUpSubject, writeWakeUp } from './wake-up.ts'
export {
  findNodes,
  type Presence,
  readPresence,
  registerPresence,
  type Status,
  unregister,
} from './where.ts'

/** A mailbox lives so long after its last frame or visit. */
export const keepMs = 7 * 86_400_000

/** The generation whose mailboxes hold. Throws MailboxesAway while relay has not said since Redis came up. */
export async function readGeneration(redis: Redis): Promise<number> {
  const text = await redis.get(generationKey)
  if (text === null) throw new MailboxesAway('relay has not looked at this Redis yet')
  return Number(text)
}

type Opening = {
  generation: number
  /** The node of sockets at which the user is connected now, and how. */
  node?: { id: string; status: Status } | undefined
}

/**
 * Says where a mailbox stands, makes it if need be, and notes the node that wants its wake-ups: what is
 * appended later wakes that node. Answers undefined for an erased user; throws MailboxesAway when the
 * generation is not the present one.
 */
export async function openMailbox(
  redis: Redis,
  userId: string,
  { generation, node }: Opening,
): Promise<Place | undefined> {
  const { frames, meta, nodes } = keysOf(userId)
  const args = [
    generation,
    freshEpoch(),
    Date.now(),
    keepMs,
    node?.id ?? '',
    node ? entryOf(node.status) : '',
    leaseMs,
  ]
  const answer = await runScript(redis, openScript, [frames, meta, nodes], args).catch(toAway)
  const [epoch, n, trimmedTo] = toList(answer)
  return epoch === undefined ? undefined : toPlace(epoch, n, trimmedTo)
}

/** A frame as the mailbox keeps it: the event's text, or a pointer that `fillPointers` replaces. */
export type StoredFrame = { n: number; stored: string }

export type Page = {
  place: Place
  /** In their order; undefined when the mailbox cannot go on from the cursor. */
  frames: StoredFrame[] | undefined
}

const pageFrames = 256

/** The frames after a cursor, as many as amount to `maxBytes` when pointers are filled, but at least one. */
export async function readMailbox(
  redis: Redis,
  userId: string,
  after: Cursor,
  maxBytes: number,
): Promise<Page> {
  const { frames, meta } = keysOf(userId)
  const answer = await runScript(redis, readScript, [frames, meta], [after.epoch, after.n, pageFrames])
  const [epoch, n, trimmedTo, entries] = toList(answer)
  return {
    place: toPlace(epoch, n, trimmedTo),
    frames: entries === undefined ? undefined : cut(toList(entries), maxBytes),
  }
}

function cut(entries: unknown[], maxBytes: number): StoredFrame[] {
  const frames: StoredFrame[] = []
  let bytes = 0
  for (const entry of entries) {
    if (bytes >= maxBytes) break
    const [id, fields] = toList(entry)
    const stored = String(toList(fields)[1])
    bytes += readPointer(stored)?.bytes ?? Buffer.byteLength(stored)
    frames.push({ n: Number.parseInt(String(id), 10), stored })
  }
  return frames
}

/** The part of an epoch that tells it from others of its generation. */
export const freshEpoch = (): string => crypto.getRandomValues(new Uint32Array(2)).reduce(toText, '')

const toText = (text: string, number: number) => text + number.toString(36)

const toList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const toPlace = (epoch: unknown, n: unknown, trimmedTo: unknown): Place => ({
  epoch: typeof epoch === 'string' ? epoch : '',
  n: Number(n ?? 0),
  trimmedTo: Number(trimmedTo ?? 0),
})

/** A caller of an older generation has to read it again first. */
function toAway(error: unknown): never {
  if (error instanceof Error && error.message.includes('STALE'))
    throw new MailboxesAway('the generation has changed', error)
  throw error
}
