import type { Api } from '../api.ts'
import type { Emitter } from '../emitter.ts'
import { PlazaError } from '../error.ts'
import type { Changes, ClientFrame, Message, Receipt, Relation, ServerFrame } from '../wire.ts'
import { createAcks } from './acks.ts'
import type { Connection, ReadyFrame } from './connection.ts'
import { createDelivered } from './delivered.ts'
import type { LiveEvents, NewConversation } from './events.ts'
import { findBaseline, repairGap } from './gap.ts'
import { createIntake } from './intake.ts'
import type { Attached } from './live.ts'
import { type Memory, noteOnce } from './memory.ts'
import type { Outgoing } from './outgoing.ts'
import { newPlace } from './place.ts'
import { createRecency } from './recency.ts'
import { createTimeline } from './timeline.ts'

type Options = {
  api: Api
  emitter: Emitter<LiveEvents>
  memory: Memory
  outgoing: Outgoing
  userId: string
  deliveredReceipts: boolean
  /** What every new socket is told again: whom to watch, and how one is. */
  greetings(): ClientFrame[]
}

const ackMs = 1_000

/** Turns the frames of one connection after another into what listeners are told. */
export function createStream(options: Options) {
  const { api, emitter, memory, outgoing, userId } = options
  const toldReceipts = createRecency(5_000)
  const toldContacts = createRecency(5_000)
  let current: Connection | undefined
  if (!options.deliveredReceipts) {
    // Nor is what an earlier visit has left said where that is not wanted any more.
    memory.delivered.clear()
    memory.save()
  }
  const delivered = createDelivered(
    memory,
    (conversationId, deliveredSeq) =>
      current?.offer({ type: 'receipt', conversationId, deliveredSeq }) ?? false,
  )

  const onReceipt = ({ conversationId, userId, deliveredSeq, readSeq }: Receipt) => {
    const key = `${conversationId} ${userId}`
    const told = toldReceipts.get(key) ?? 0
    // Both pointers only move forward, so their sum tells old news from new.
    if (deliveredSeq + readSeq <= told) return
    toldReceipts.set(key, deliveredSeq + readSeq)
    emitter.emit('receipt', { conversationId, userId, deliveredSeq, readSeq })
  }
  const onContact = ({ userId, state, blocked, version }: Relation) => {
    if ((toldContacts.get(userId) ?? memory.contactsFloor) >= version) return
    toldContacts.set(userId, version)
    memory.contacts = Math.max(memory.contacts, version)
    memory.save()
    emitter.emit('contact', { userId, state, blocked, version })
  }
  const onConversation = ({ id, memberIds, createdAt }: NewConversation) => {
    const place = memory.places.get(id)
    if (!place) memory.places.set(id, newPlace())
    // One with a floor was there at the first connection, or before the server lost its mailboxes.
    if (place?.floor === undefined && noteOnce(memory, id))
      emitter.emit('conversation', { id, memberIds, createdAt })
  }
  const onError = (error: unknown) => emitter.emit('error', error)
  const timeline = createTimeline({
    memory,
    emitter,
    onReceipt,
    onError,
    onReached({ conversationId, seq, senderId }: Message) {
      if (options.deliveredReceipts && senderId !== userId) delivered.note(conversationId, seq)
    },
    changes: (id, after) =>
      api.call<Changes>('GET', `/api/v1/conversations/${id}/changes`, { query: { after, limit: 100 } }),
  })

  return {
    /** Takes over a new connection. */
    attach(connection: Connection, ready: ReadyFrame): Attached {
      const ended = new AbortController()
      const acknowledge = createAcknowledge(connection, memory)
      const acks = createAcks(acknowledge.note)
      const told = { memory, timeline, onReceipt, onContact, onConversation }
      const intake = createIntake({
        ...told,
        emitter,
        acks,
        repair: (gap) => repairGap({ ...told, api, userId, onError, signal: ended.signal }, gap),
        onFailure(error) {
          onError(error)
          connection.fail()
        },
      })
      for (const frame of options.greetings()) connection.send(frame)
      current = connection
      delivered.resume()
      const beginAnew = async (onLive: () => void) => {
        const baseline = await findBaseline(api)
        ended.signal.throwIfAborted()
        for (const [id, place] of baseline) memory.places.set(id, place)
        memory.cursor = ready.cursor
        memory.save()
        onLive()
      }
      return {
        begin(onLive: () => void) {
          if (memory.cursor === undefined) intake.wait(beginAnew(onLive))
          else onLive()
        },
        accept(frame: ServerFrame) {
          // First, for a listener that hears of one's own message may end the connection.
          if (frame.type === 'sent' || frame.type === 'error') outgoing.accept(frame)
          if (frame.type === 'event' || frame.type === 'gap' || frame.type === 'sent') intake.accept(frame)
          // It answers no send, so nobody waits for it.
          else if (frame.type === 'error' && frame.ref === undefined) onError(new PlazaError(frame.problem))
          else if (frame.type === 'typing' || frame.type === 'presence') emitter.emit(frame.type, frame)
        },
        close() {
          ended.abort()
          intake.close()
          acks.close()
          acknowledge.close()
          delivered.pause()
          timeline.close()
          outgoing.lost()
        },
      }
    },
  }
}

/** Moves the cursor on and tells the server once a second how far it has come. */
function createAcknowledge(connection: Connection, memory: Memory) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    timer = undefined
    if (memory.cursor !== undefined) connection.send({ type: 'ack', cursor: memory.cursor })
  }
  return {
    note(cursor: string) {
      memory.cursor = cursor
      memory.save()
      timer ??= setTimeout(flush, ackMs)
    },
    close: () => clearTimeout(timer),
  }
}
