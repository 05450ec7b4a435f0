import type { Emitter } from '../emitter.ts'
import { backOff } from '../pause.ts'
import type { Changes, Message, Receipt } from '../wire.ts'
import type { LiveEvents } from './events.ts'
import type { Memory } from './memory.ts'
import { newPlace, noteFetched, noteRevision, type Place, wasTold } from './place.ts'
import { createRecency } from './recency.ts'

export type Change = 'message' | 'edited' | 'deleted' | 'reaction'

type Options = {
  memory: Memory
  emitter: Emitter<LiveEvents>
  changes(conversationId: string, after: number): Promise<Changes>
  onReceipt(receipt: Receipt): void
  /** A message has been told for the first time. */
  onReached(message: Message): void
  /** A hole could not be filled; it is tried again. */
  onError(error: unknown): void
}

type Waiting = { message: Message; done: (() => void)[] }
type Room = {
  place: Place
  waiting: Map<number, Waiting>
  timer?: ReturnType<typeof setTimeout> | undefined
  repairing?: Promise<void> | undefined
  /** How many repairs have failed, one after the other. */
  failures: number
}

const holeMs = 300
const retryMs = 2_000
const longestRetryMs = 60_000
const nothing = () => {}

/**
 * Tells each message once and in order. A message beyond a hole waits a moment for the ones before it,
 * which arrival order may have put behind; then they are fetched.
 */
export function createTimeline({ memory, emitter, changes, onReceipt, onReached, onError }: Options) {
  const rooms = new Map<string, Room>()
  const seen = createRecency(5_000)

  const roomOf = (id: string): Room => {
    const place = memory.places.get(id) ?? newPlace()
    memory.places.set(id, place)
    const room = rooms.get(id) ?? { place, waiting: new Map(), failures: 0 }
    rooms.set(id, room)
    return room
  }
  const isKnown = ({ place }: Room, { id, revision }: Message) => {
    const told = seen.get(id)
    return told === undefined ? wasTold(place, revision) : told >= revision
  }
  const tell = ({ place }: Room, change: Change, message: Message) => {
    seen.set(message.id, message.revision)
    noteRevision(place, message.revision)
    memory.save()
    emitter.emit(message.deletedAt ? 'deleted' : change, message)
  }
  const release = (room: Room, { message, done }: Waiting) => {
    room.waiting.delete(message.seq)
    if (room.waiting.size === 0) delete room.place.hole
    room.place.seq = message.seq
    tell(room, 'message', message)
    onReached(message)
    for (const call of done) call()
  }
  const hold = (room: Room, message: Message, done: () => void) => {
    const held = room.waiting.get(message.seq)
    room.place.hole ??= room.place.from
    const newest = held && held.message.revision > message.revision ? held.message : message
    room.waiting.set(message.seq, { message: newest, done: [...(held?.done ?? []), done] })
    for (let next = nextOf(room); next; next = nextOf(room)) release(room, next)
  }
  const wake = (room: Room, id: string, ms: number) => {
    if (room.waiting.size > 0) room.timer ??= setTimeout(() => fill(room, id), ms)
  }
  const fill = (room: Room, id: string) => {
    repair(id).catch((error) => {
      if (rooms.get(id) === room) onError(error)
    })
  }
  const accept = (change: Change, message: Message, done: () => void) => {
    const room = roomOf(message.conversationId)
    if (message.seq > room.place.seq) {
      hold(room, message, done)
      wake(room, message.conversationId, holeMs)
      return
    }
    if (!isKnown(room, message)) tell(room, change, message)
    done()
  }
  const fetchAll = async (room: Room, id: string) => {
    const first = room.place.hole ?? room.place.from
    let after = first
    // Also after each that is told, for a listener may have ended it.
    const check = () => {
      if (rooms.get(id) !== room) throw new Error('The connection has ended')
    }
    for (let more = true; more; ) {
      const page = await changes(id, after)
      check()
      for (const message of page.items) {
        if (message.seq > room.place.seq) hold(room, message, nothing)
        else if (!isKnown(room, message)) tell(room, changeOf(message), message)
        check()
      }
      for (const pointers of page.receipts) {
        onReceipt({ ...pointers, conversationId: id })
        check()
      }
      more = page.more && page.revision > after
      after = page.revision
    }
    for (const waiting of [...room.waiting.values()].sort((a, b) => a.message.seq - b.message.seq)) {
      if (waiting.message.revision <= after && waiting.message.seq > room.place.seq) release(room, waiting)
      check()
    }
    noteFetched(room.place, first, after)
    if (room.place.hole !== undefined) room.place.hole = after
    memory.save()
  }
  /** Fetches and tells what changed in a conversation since it was last told of. */
  const repair = (id: string): Promise<void> => {
    const room = roomOf(id)
    clearTimeout(room.timer)
    room.timer = undefined
    const end = (failures: number, ms: number) => {
      room.failures = failures
      room.repairing = undefined
      wake(room, id, ms)
    }
    room.repairing ??= fetchAll(room, id).then(
      () => end(0, retryMs),
      (error) => {
        // From some two seconds on.
        end(room.failures + 1, backOff(room.failures + 4, longestRetryMs))
        throw error
      },
    )
    return room.repairing
  }

  return {
    accept,
    repair,
    /** Forgets what waits for a hole, and ends repairs: a new connection brings it again. */
    close() {
      for (const room of rooms.values()) {
        clearTimeout(room.timer)
        room.waiting.clear()
      }
      rooms.clear()
    },
  }
}
export type Timeline = ReturnType<typeof createTimeline>

const nextOf = ({ place, waiting }: Room) => waiting.get(place.seq + 1)

/** What most likely happened to a message of which only the present state is known. */
const changeOf = (message: Message): Change => (message.editedAt ? 'edited' : 'reaction')
