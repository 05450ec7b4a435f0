import type { Message, ServerFrame } from '@plaza/client'
import { eventually } from '@plaza/kit/testing'
import { z } from 'zod'
import type { Someone } from '../people.ts'

const Ticket = z.object({ ticket: z.string() })
const Waiting = z.object({
  items: z.array(z.object({ event: z.object({ data: z.object({ id: z.string().optional() }) }) })),
})
type EventFrame = Extract<ServerFrame, { type: 'event' }>

/**
 * A socket without the client's cleverness: it fetches nothing and drops nothing, so what it was not sent
 * is missing and what it was sent twice is there twice. It may go on elsewhere from where it was.
 */
export class OpenSocket {
  readonly events: EventFrame[] = []
  /** Frames that say that something is amiss. */
  readonly complaints: string[] = []
  bytes = 0
  closed = false
  #cursor: string | undefined
  #socket: WebSocket | undefined

  constructor(
    private readonly person: Someone,
    private readonly gateway: string,
  ) {}

  /** Opens it at a gateway or at a node's own port, and goes on from the last frame that came. */
  async open(base: string): Promise<void> {
    const target = new URL('/api/v1/ws', base.replace('http', 'ws'))
    target.searchParams.set('ticket', await this.#ticket())
    const socket = new WebSocket(target)
    const ready = Promise.withResolvers<void>()
    this.#socket = socket
    this.closed = false
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', cursor: this.#cursor }))
    socket.onmessage = ({ data }) => {
      const frame = frameOf(String(data))
      this.bytes += String(data).length
      if (frame.type === 'ready') {
        this.#cursor ??= frame.cursor
        ready.resolve()
      } else this.#accept(frame)
    }
    socket.onclose = ({ code, reason }) => {
      this.closed = true
      ready.reject(new Error(`the socket was closed: ${code} ${reason}`))
    }
    await ready.promise
  }

  close(): void {
    this.#socket?.close()
  }

  /** The messages that its mailbox holds for it and it has not been sent yet, at most a hundred. */
  async waiting(): Promise<string[]> {
    const target = new URL('/api/v1/queue', this.gateway)
    target.searchParams.set('limit', '100')
    target.searchParams.set('cursor', this.#cursor ?? '')
    const answer = await fetch(target, { headers: await this.#authorization() })
    return Waiting.parse(await answer.json()).items.flatMap(({ event }) => event.data.id ?? [])
  }

  /** The new messages it was sent, in the order they came. */
  messages(): Message[] {
    return this.#ofType('message.created')
  }

  /** The ids of the messages it was told of. Of one that was deleted before it was read, the mailbox tells the deletion alone. */
  told(): Set<string> {
    return new Set([...this.messages(), ...this.#ofType('message.deleted')].map(({ id }) => id))
  }

  /**
   * Throws unless events came in the order of their places, none came twice, and no more places are empty than
   * messages were deleted before they were read.
   */
  check(): void {
    const ids = new Set(this.events.map(({ event }) => event.id))
    if (ids.size !== this.events.length) this.complaints.push(`${this.events.length - ids.size} came twice`)
    let empty = this.told().size - this.messages().length
    this.events.forEach(({ cursor }, index) => {
      const before = this.events[index - 1]?.cursor
      if (!before) return
      empty -= stepsBetween(before, cursor) - 1
      if (empty < 0 || stepsBetween(before, cursor) < 1)
        this.complaints.push(`${cursor} came after ${before}`)
    })
    if (this.complaints.length > 0) throw new Error(this.complaints.slice(0, 5).join('; '))
  }

  #ofType(type: string): Message[] {
    return this.events.filter(({ event }) => event.type === type).map(messageOf)
  }

  #accept(frame: ServerFrame): void {
    if (frame.type === 'gap' || frame.type === 'error') this.complaints.push(JSON.stringify(frame))
    if (frame.type !== 'event') return
    this.events.push(frame)
    this.#cursor = frame.cursor
  }

  async #authorization() {
    const session = await this.person.client.account.session()
    return { authorization: `Bearer ${session?.accessToken}` }
  }

  /** The gateway may not have noticed yet that a node is dead, and repeats no POST: a client asks again. */
  async #ticket(): Promise<string> {
    const headers = await this.#authorization()
    return await eventually(async () => {
      const answer = await fetch(`${this.gateway}/api/v1/ws/ticket`, { method: 'POST', headers })
      return Ticket.parse(await answer.json()).ticket
    })
  }
}

/** The data of an event about a message, by the type that the event's name stands for. */
const messageOf = ({ event }: EventFrame): Message => event.data as Message

const frameOf = (text: string): ServerFrame => JSON.parse(text)

/** How many places one cursor lies after another; a hole without end between those of different epochs. */
function stepsBetween(before: string, after: string): number {
  const [[epoch, n], [laterEpoch, later]] = [before.split('-'), after.split('-')]
  return epoch === laterEpoch ? Number(later) - Number(n) : Number.POSITIVE_INFINITY
}
