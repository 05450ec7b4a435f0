import type { Api } from '../api.ts'
import { isPassing, PlazaError } from '../error.ts'
import { newKey } from '../key.ts'
import type { ClientFrame, Draft, Message, ServerFrame } from '../wire.ts'

/** The ways out of one person, which stay that person's. */
export type Sender = {
  api: Api
  /** Answers false when the person has no live socket, or it has said enough for now. */
  offer(frame: ClientFrame): boolean
}

type Pending = { resolve(message: Message): void; reject(error: unknown): void }

const answerWithinMs = 5_000
/** Above this a frame would be refused; the REST way takes more. */
const frameBytes = 48 << 10

/**
 * Sends messages by the socket, and by REST under the same key wherever that gives no clear answer, so
 * a message is stored once; `sender` answers who is logged in now. Messages of one conversation leave one after the other, in the order of the calls.
 */
export function createOutgoing(sender: () => Promise<Sender>) {
  const pending = new Map<string, Pending>()
  const tails = new Map<string, Promise<unknown>>()

  const bySocket = ({ offer }: Sender, frame: Extract<ClientFrame, { type: 'send' }>) =>
    new Promise<Message>((resolve, reject) => {
      const lost = () => settle()?.reject(new PlazaError({}))
      const timer = setTimeout(lost, answerWithinMs)
      const settle = () => {
        clearTimeout(timer)
        pending.delete(frame.ref)
        return { resolve, reject }
      }
      pending.set(frame.ref, {
        resolve: (message) => settle().resolve(message),
        reject: (error) => settle().reject(error),
      })
      if (!offer(frame)) lost()
    })
  const send = async (from: Sender, conversationId: string, draft: Draft, key: string): Promise<Message> => {
    const frame = { type: 'send' as const, ref: newKey(), key, conversationId, ...draft }
    const isSmall = new TextEncoder().encode(JSON.stringify(frame)).length <= frameBytes
    if (isSmall) {
      try {
        return await bySocket(from, frame)
      } catch (error) {
        if (!isPassing(error)) throw error
      }
    }
    return await from.api.create<Message>(`/api/v1/conversations/${conversationId}/messages`, draft, key)
  }

  return {
    /** Resolves when the message is stored for good. A caller who repeats a send gives the same key. */
    send(conversationId: string, draft: Draft, key = newKey()): Promise<Message> {
      const before = tails.get(conversationId) ?? Promise.resolve()
      // Who sends is settled by the call, however long it waits for those before.
      const sent = Promise.all([sender(), before.catch(() => {})]).then(([from]) =>
        send(from, conversationId, draft, key),
      )
      tails.set(conversationId, sent)
      const forget = () => {
        if (tails.get(conversationId) === sent) tails.delete(conversationId)
      }
      void sent.then(forget, forget)
      return sent
    },
    /** Takes the answers of the socket to sends. */
    accept(frame: Extract<ServerFrame, { type: 'sent' | 'error' }>) {
      const waiting = pending.get(frame.ref ?? '')
      if (frame.type === 'sent') waiting?.resolve(frame.message)
      else waiting?.reject(new PlazaError(frame.problem))
    },
    /** Says that the socket is gone: what it has not answered goes by REST. */
    lost() {
      for (const { reject } of [...pending.values()]) reject(new PlazaError({}))
    },
  }
}
export type Outgoing = ReturnType<typeof createOutgoing>
