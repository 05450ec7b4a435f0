import type { Api } from '../api.ts'
import type { Emitter } from '../emitter.ts'
import { isLoggedOut, PlazaError } from '../error.ts'
import { backOff, pause } from '../pause.ts'
import type { ClientFrame, ServerFrame } from '../wire.ts'
import { type Connection, type Ending, type ReadyFrame, runConnection } from './connection.ts'
import type { LiveEvents, State } from './events.ts'
import { createReads } from './reads.ts'

type Options = {
  url: string | URL
  api: Api
  emitter: Emitter<LiveEvents>
  cursor(): string | undefined
  /** How many frames a minute a socket may say. */
  framesPerMinute: number
  /** A connection is ready; the answer takes its frames, and `close` is called at its end. */
  attach(connection: Connection, ready: ReadyFrame): Attached
  /** How often the session is used by a call: one that is not refreshed for weeks ends, and a socket refreshes nothing. */
  useSessionMs?: number
}

export type Attached = {
  /** Calls once everything that comes after is told: a device without a cursor finds out first what is there. */
  begin(onLive: () => void): void
  accept(frame: ServerFrame): void
  close(): void
}

export type Live = {
  /** Keeps a socket open until the signal or the session ends. Resolves when it is live for the first time; rejects when nobody is logged in, also when the signal says so. */
  run(signal: AbortSignal): Promise<void>
  /** Answers false when no socket is live. */
  send(frame: ClientFrame): boolean
  /** Answers false also when the socket has said enough for now. */
  offer(frame: ClientFrame): boolean
  state(): State
}

/** Keeps one socket open: connects, resumes from the cursor after each drop, and moves when asked to. */
export function createLive(options: Options): Live {
  const { url, api, emitter, cursor, framesPerMinute, attach, useSessionMs = 12 * 3_600_000 } = options
  const reads = createReads()
  let connection: Connection | undefined
  let state: State = 'offline'
  const setState = (next: State, resumed?: boolean) => {
    if (state === next) return
    state = next
    emitter.emit('state', resumed === undefined ? { state } : { state, resumed })
  }

  const connectOnce = async (signal: AbortSignal, onLive: () => void): Promise<Ending> => {
    const { ticket } = await api.call<{ ticket: string }>('POST', '/api/v1/ws/ticket', { repeat: true })
    let attached: Attached | undefined
    return await runConnection({
      url,
      ticket,
      cursor: cursor(),
      framesPerMinute,
      signal,
      onReady(opened, ready) {
        connection = opened
        attached = attach(opened, ready)
        for (const frame of reads.left()) opened.send(frame)
        attached.begin(() => {
          setState('live', ready.resumed)
          onLive()
        })
      },
      onFrame(frame) {
        if (frame.type === 'pong') reads.confirm()
        attached?.accept(frame)
      },
      onEnd() {
        connection = undefined
        attached?.close()
      },
    })
  }
  const keepOpen = async (signal: AbortSignal, onLive: () => void) => {
    let failures = 0
    while (!signal.aborted) {
      if (state !== 'live') setState('connecting')
      let moved = false
      let askedMs = 0
      try {
        const ending = await connectOnce(signal, onLive)
        moved = ending.moved
        if (ending.wasReady && !ending.failed) failures = 0
      } catch (error) {
        if (isLoggedOut(error) && !signal.aborted) throw error
        askedMs = askedToWait(error)
      }
      if (signal.aborted) return
      if (!moved) setState('offline')
      await pause(moved ? Math.random() * 50 : askedMs + backOff(failures++), signal)
    }
  }

  const useSession = () => void api.call('GET', '/api/v1/auth/me').catch(() => {})

  return {
    run: (signal) =>
      new Promise((resolve, reject) => {
        const using = setInterval(useSession, useSessionMs)
        let isOver = false
        const end = (reason: unknown) => {
          if (isOver) return
          isOver = true
          clearInterval(using)
          const ended = isLoggedOut(reason)
          setState(ended ? 'ended' : 'offline')
          if (ended) reject(reason)
          else resolve()
        }
        // At once: what is under way yet must not speak after whoever connects next.
        signal.addEventListener('abort', () => end(signal.reason))
        keepOpen(signal, resolve).then(() => end(signal.reason), end)
      }),
    send: (frame) => connection?.send(frame) ?? false,
    offer(frame) {
      const isSaid = connection?.offer(frame) ?? false
      if (isSaid) reads.note(frame)
      return isSaid
    },
    state: () => state,
  }
}

const longestWaitMs = 3_600_000

/** How long the server asks to be left alone, within reason. */
const askedToWait = (error: unknown): number =>
  Math.min(longestWaitMs, (error instanceof PlazaError && error.retryAfterMs) || 0)
