import { createAccount } from './account.ts'
import { type Api, createApi } from './api.ts'
import { Emitter } from './emitter.ts'
import { isLoggedOut, PlazaError } from './error.ts'
import { createExchange, type Exchange, type Fetch } from './exchange.ts'
import type { LiveEvents, State } from './live/events.ts'
import { createLive } from './live/live.ts'
import { type Memory, openMemory } from './live/memory.ts'
import { createOutgoing, type Sender } from './live/outgoing.ts'
import { createStream } from './live/stream.ts'
import { createPeople } from './people.ts'
import { createSessionKeeper, type SessionKeeper } from './session.ts'
import { memoryStorage, type Storage } from './storage.ts'
import { createTalk } from './talk.ts'
import type { ClientFrame, Draft, Message } from './wire.ts'

export type ClientOptions = {
  /** Where Plaza's gateway is, for example `https://plaza.example`. */
  url: string | URL
  /** Where the session and the place in the stream outlive a reload; default: nowhere. */
  storage?: Storage
  /** Whether received messages are acknowledged to their senders, where the person allows it; default yes. */
  deliveredReceipts?: boolean
  /**
   * How many frames a minute may go by the socket, a fifth of them at once, below the server's own budget; default 480.
   * Messages and reads beyond go by REST, delivered receipts wait. With 0 all messages and reads go by REST.
   */
  framesPerMinute?: number
  fetch?: Fetch
}

/** The server lets a socket watch no more. */
const watchedAtMost = 200

/** One person's device. Everything it does survives a bad line; what it could not do it throws as PlazaError. */
export class PlazaClient {
  /** Log-in, devices, password, erasure. */
  readonly account: ReturnType<typeof createAccount>
  /** Profiles, contacts, blocks, privacy. */
  readonly people: ReturnType<typeof createPeople>
  /** Conversations, history, edits, reactions, search. */
  readonly talk: ReturnType<typeof createTalk>

  readonly #options: ClientOptions
  readonly #storage: Storage
  readonly #exchange: Exchange
  readonly #session: SessionKeeper
  readonly #api: ReturnType<typeof createApi>
  readonly #emitter = new Emitter<LiveEvents>()
  readonly #outgoing: ReturnType<typeof createOutgoing>
  readonly #closing = new AbortController()
  readonly #watched = new Set<string>()
  #status: 'online' | 'away' = 'online'
  #live: ReturnType<typeof createLive> | undefined
  #disconnecting = new AbortController()
  #connected: Promise<void> | undefined
  #device: { userId: string; memory: Memory; stream: ReturnType<typeof createStream> } | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#storage = options.storage ?? memoryStorage()
    this.#exchange = createExchange({
      url: options.url,
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      signal: this.#closing.signal,
    })
    this.#session = createSessionKeeper(
      this.#exchange,
      this.#storage,
      (reason) => this.#leave(reason),
      (error) => this.#emitter.emit('error', error),
    )
    this.#api = createApi(this.#exchange, this.#session)
    this.account = createAccount(this.#exchange, this.#api, this.#session)
    this.people = createPeople(this.#api)
    this.talk = createTalk(this.#api)
    this.#outgoing = createOutgoing(() => this.#sender())
    // Whoever logs in again may connect again.
    this.on('state', ({ state }) => {
      if (state === 'ended') this.#connected = undefined
    })
  }

  /** Listens to what happens; the answer ends it. */
  on<Name extends keyof LiveEvents>(name: Name, listener: (value: LiveEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Where the socket stands. */
  get state(): State {
    return this.#live?.state() ?? 'offline'
  }

  /** Opens the socket and keeps it open until `disconnect` or the log-out. Resolves when it is live; rejects when nobody is logged in. */
  connect(): Promise<void> {
    if (this.#connected) return this.#connected
    const connected = this.#open(this.#disconnecting.signal).catch((error) => {
      if (this.#connected === connected) this.#connected = undefined
      throw error
    })
    this.#connected = connected
    return connected
  }

  /** Closes the socket and keeps the place in the stream for the next `connect`. */
  async disconnect(): Promise<void> {
    this.#end()
    await this.#device?.memory.flush()
  }

  /** Ends everything; the client is of no use afterwards. */
  async close(): Promise<void> {
    await this.disconnect().finally(() => this.#closing.abort())
  }

  /** Sends a message: by the socket when it is live, else by REST. Resolves when it is stored for good. */
  send(conversationId: string, draft: Draft | string, key?: string): Promise<Message> {
    return this.#outgoing.send(conversationId, typeof draft === 'string' ? { text: draft } : draft, key)
  }

  /** Says that one has read a conversation up to a message. */
  async read(conversationId: string, readSeq: number): Promise<void> {
    if (this.#offerOrRest({ type: 'receipt', conversationId, readSeq, deliveredSeq: readSeq })) return
    await this.#api.call('PUT', `/api/v1/conversations/${conversationId}/receipts`, { body: { readSeq } })
  }

  /** Says that one is typing, or has stopped. It is a courtesy: without a live socket, or room on it, nothing is sent. */
  typing(conversationId: string, active = true): void {
    this.#offer({ type: 'typing', conversationId, active })
  }

  /** Says how one is; holds for later sockets, too, until the log-out. */
  presence(status: 'online' | 'away'): void {
    this.#status = status
    this.#send({ type: 'presence', status })
  }

  /**
   * Asks to be told of these people's presence, on this socket and later ones until the log-out. Throws
   * `too_many_watched`, and asks for nobody, where they would be more than 200 with those who are watched already.
   */
  watch(userIds: string[]): void {
    const asked = new Set(userIds)
    if (new Set([...this.#watched, ...asked]).size > watchedAtMost)
      throw new PlazaError({
        code: 'limited',
        reason: 'too_many_watched',
        detail: `${watchedAtMost} people can be watched at most`,
      })
    for (const userId of asked) this.#watched.add(userId)
    if (asked.size > 0) this.#send({ type: 'watch', userIds: [...asked] })
  }

  unwatch(userIds: string[]): void {
    const left = userIds.filter((userId) => this.#watched.delete(userId))
    if (left.length > 0) this.#send({ type: 'unwatch', userIds: left })
  }

  async #open(signal: AbortSignal): Promise<void> {
    const userId = await this.#userId()
    const api = createApi(this.#exchange, this.#session, userId)
    // What was told before a `disconnect` is known after it, also when a repair was under way.
    const device = this.#device?.userId === userId ? this.#device : await this.#openDevice(userId, api)
    if (isLoggedOut(signal.reason)) throw signal.reason
    if (signal.aborted) return
    const { memory, stream } = device
    this.#device = device
    this.#live = createLive({
      url: this.#options.url,
      api,
      emitter: this.#emitter,
      cursor: () => memory.cursor,
      framesPerMinute: this.#options.framesPerMinute || 480,
      attach: stream.attach,
    })
    await this.#live.run(AbortSignal.any([signal, this.#closing.signal]))
  }

  async #openDevice(userId: string, api: Api) {
    const memory = await openMemory(this.#storage, userId)
    const stream = createStream({
      api,
      emitter: this.#emitter,
      memory,
      outgoing: this.#outgoing,
      userId,
      deliveredReceipts: this.#options.deliveredReceipts ?? true,
      greetings: () => this.#greetings(),
    })
    return { userId, memory, stream }
  }

  /** Ends what was open for a person who is not logged in here any more. */
  #leave(reason: PlazaError): void {
    this.#watched.clear()
    this.#status = 'online'
    this.#end(reason)
  }

  #end(reason?: PlazaError): void {
    const ending = this.#disconnecting
    this.#disconnecting = new AbortController()
    this.#connected = undefined
    ending.abort(reason)
  }

  async #userId(): Promise<string> {
    return (await this.#session.current())?.user.id ?? ''
  }

  async #sender(): Promise<Sender> {
    const userId = await this.#userId()
    return {
      api: createApi(this.#exchange, this.#session, userId),
      offer: (frame) => this.#device?.userId === userId && this.#offerOrRest(frame),
    }
  }

  #send(frame: ClientFrame): boolean {
    return this.#live?.send(frame) ?? false
  }

  #offer(frame: ClientFrame): boolean {
    return this.#live?.offer(frame) ?? false
  }

  /** For what may go by REST instead, and does where the socket is not to be used for it. */
  #offerOrRest(frame: ClientFrame): boolean {
    return this.#options.framesPerMinute !== 0 && this.#offer(frame)
  }

  #greetings(): ClientFrame[] {
    const frames: ClientFrame[] = []
    if (this.#status === 'away') frames.push({ type: 'presence', status: 'away' })
    if (this.#watched.size > 0) frames.push({ type: 'watch', userIds: [...this.#watched] })
    return frames
  }
}
