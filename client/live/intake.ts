import type { Emitter } from '../emitter.ts'
import type { GapFrame, Message, PlazaEvent, Receipt, Relation } from '../wire.ts'
import type { Acks } from './acks.ts'
import type { LiveEvents, NewConversation } from './events.ts'
import { contactScope, type Owed } from './gap.ts'
import { type Memory, noteOnce } from './memory.ts'
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
  onConversation(conversation: NewConversation): void
  /** Answers with what is not repaired yet: events of these scopes go on waiting. */
  repair(gap: GapFrame): Promise<Owed>
  /** Called when a repair failed as a whole: the connection is to be made anew from the old cursor. */
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

/** Takes the frames of one connection in their order; while something is fetched, later ones wait. */
export function createIntake(options: Options) {
  const { memory, timeline, emitter, acks, repair, onFailure } = options
  let held: StreamFrame[] | undefined
  /** What has come of scopes whose repair goes on. */
  const late = new Map<string, (() => void)[]>()
  let closed = false

  const isRepeat = ({ id, type }: PlazaEvent) => {
    return !changes[type] && !hasVersion.test(type) && !noteOnce(memory, id)
  }
  const handleEvent = (event: PlazaEvent, done: () => void) => {
    if (isRepeat(event)) return done()
    emitter.emit('event', event)
    const change = changes[event.type]
    // A listener has ended the connection: what is not known by its id alone comes again.
    if (closed && (change || hasVersion.test(event.type))) return
    if (change) {
      timeline.accept(change, dataOf<Message>(event), done)
      return
    }
    if (event.type === 'receipt.advanced') options.onReceipt(dataOf<Receipt>(event))
    else if (isOfContact.test(event.type)) {
      // In the event `userId` is the one whose view it is, in a list of changes it is the other person.
      const { otherId, ...relation } = dataOf<Relation & { otherId: string }>(event)
      options.onContact({ ...relation, userId: otherId })
    }
    if (event.type === 'conversation.created') options.onConversation(dataOf<NewConversation>(event))
    done()
  }
  const handleGap = ({ reason }: GapFrame, owed: Owed, done: () => void) => {
    const finish = () => {
      if (closed) return
      done()
      emitter.emit('repaired', { reason })
    }
    if (owed.size === 0) return finish()
    // It rejects when the connection ends: the next one begins with the same gap.
    Promise.all([...owed].map(([scope, repaired]) => putOff(scope, repaired))).then(finish, () => {})
  }
  const putOff = async (scope: string, repaired: Promise<void>) => {
    const waiting = [...(late.get(scope) ?? [])]
    late.set(scope, waiting)
    await repaired
    // A later gap has taken over what waits: it may have lost more than this repair has asked for.
    if (late.get(scope) !== waiting) return
    late.delete(scope)
    for (const goOn of waiting) goOn()
  }
  const deal = (frame: StreamFrame, done: () => void) => {
    if (closed) return
    if (frame.type === 'event') handleEvent(frame.event, done)
    // No event tells this socket of its own messages; a resume from before it brings one.
    else if (frame.type === 'sent') timeline.accept('message', frame.message, done)
    else wait(repair(frame).then((owed) => handleGap(frame, owed, done)))
  }
  const handle = (frame: StreamFrame) => {
    const done = acks.take(frame.type === 'sent' ? undefined : frame.cursor)
    const waiting = late.get(scopeOf(frame) ?? '')
    if (waiting) waiting.push(() => deal(frame, done))
    else deal(frame, done)
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

/** The conversation that a frame is of, or the contacts. */
function scopeOf(frame: StreamFrame): string | undefined {
  if (frame.type === 'sent') return frame.message.conversationId
  if (frame.type === 'gap') return undefined
  if (isOfContact.test(frame.event.type)) return contactScope
  if (frame.event.type === 'conversation.created') return dataOf<NewConversation>(frame.event).id
  return dataOf<{ conversationId?: string } | undefined>(frame.event)?.conversationId
}

/** The data of an event, by the type that its name stands for. */
const dataOf = <Data>(event: PlazaEvent): Data => event.data as Data
