import type { Emitter } from '../emitter.ts'
import type { Conversation, GapFrame, Message, PlazaEvent, Receipt, Relation } from '../wire.ts'
import type { Acks } from './acks.ts'
import type { LiveEvents } from './events.ts'
import type { Memory } from './memory.ts'
import { newPlace } from './place.ts'
import type { Change, Timeline } from './timeline.ts'

export type StreamFrame =
  | { type: 'event'; cursor: string; event: PlazaEvent }
  | { type: 'sent'; message: Message }
  | GapFrame

type Options = {
  memory: Memory
  timeline: Timeline
  emitter: Emitter<LiveEvents>
  acks: Acks
  onReceipt(receipt: Receipt): void
  onContact(relation: Relation): void
  onMessage(message: Message): void
  repair(gap: GapFrame): Promise<void>
  /** Called when a repair failed: the connection is to be made anew from the old cursor. */
  onFailure(error: unknown): void
}

const changes: Record<string, Change> = {
  'message.created': 'message',
  'message.edited': 'edited',
  'message.deleted': 'deleted',
  'message.reacted': 'reaction',
}

const isOfContact = /^(contact|block)\./
/** Events that are told from old news by what is in them. */
const hasVersion = /^(contact|block|receipt)\./
/** After a server has lost its mailboxes it delivers again what was enqueued and has not expired. */
const knownEvents = 1_000

/** Takes the frames of one connection in their order; while something is fetched, later ones wait. */
export function createIntake(options: Options) {
  const { memory, timeline, emitter, acks, repair, onFailure } = options
  let held: StreamFrame[] | undefined
  let closed = false

  const isRepeat = ({ id, type }: PlazaEvent) => {
    if (changes[type] || hasVersion.test(type)) return false
    if (memory.events.includes(id)) return true
    memory.events.push(id)
    if (memory.events.length > knownEvents) memory.events.shift()
    memory.save()
    return false
  }
  const handleEvent = (cursor: string, event: PlazaEvent) => {
    const done = acks.take(cursor)
    if (isRepeat(event)) return done()
    emitter.emit('event', event)
    const change = changes[event.type]
    if (change) {
      const message = dataOf<Message>(event)
      options.onMessage(message)
      timeline.accept(change, message, done)
      return
    }
    if (event.type === 'receipt.advanced') options.onReceipt(dataOf<Receipt>(event))
    else if (isOfContact.test(event.type)) {
      // In the event `userId` is the one whose view it is, in a list of changes it is the other person.
      const { otherId, ...relation } = dataOf<Relation & { otherId: string }>(event)
      options.onContact({ ...relation, userId: otherId })
    }
    if (event.type === 'conversation.created') {
      const conversation = dataOf<Conversation>(event)
      if (!memory.places.has(conversation.id)) memory.places.set(conversation.id, newPlace())
      emitter.emit('conversation', conversation)
    }
    done()
  }
  const handle = (frame: StreamFrame) => {
    if (frame.type === 'event') return handleEvent(frame.cursor, frame.event)
    // No event tells this socket of its own messages; a resume from before it brings one.
    if (frame.type === 'sent') return timeline.accept('message', frame.message, acks.take())
    const done = acks.take(frame.cursor)
    wait(
      repair(frame).then(() => {
        done()
        emitter.emit('repaired', { reason: frame.reason })
      }),
    )
  }
  const drain = () => {
    const frames = held ?? []
    held = undefined
    for (const frame of frames) accept(frame)
  }
  const accept = (frame: StreamFrame) => {
    if (held) held.push(frame)
    else handle(frame)
  }
  /** Holds back what comes until the work is done. */
  const wait = (work: Promise<unknown>) => {
    held ??= []
    void work.then(drain, (error) => {
      if (!closed) onFailure(error)
    })
  }
  return {
    accept,
    wait,
    /** Drops what is held back: the next connection brings it again. */
    close() {
      closed = true
      held = []
    },
  }
}
export type Intake = ReturnType<typeof createIntake>

/** The data of an event, by the type that its name stands for. */
const dataOf = <Data>(event: PlazaEvent): Data => event.data as Data
