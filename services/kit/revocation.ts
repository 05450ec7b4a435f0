import { type ConsumerMessages, DeliverPolicy } from '@nats-io/jetstream'
import { z } from 'zod'
import { defineEvent, type PlazaEvent } from './events.ts'
import { pause } from './every.ts'
import type { Log } from './log.ts'
import type { Nats } from './nats.ts'

/** The longest that an access token lives, in seconds; a revocation is remembered as long. */
export const accessTokenLifeSeconds = 900

export const revocationStream = 'REVOCATION'
export const heartbeatSubject = 'revocation.heartbeat'
export const heartbeatMs = 1_000
const staleMs = 3_000
/** After a longer silence the stream may not hold all that was said; a minute is left for clocks that differ. */
const longestSilenceMs = (accessTokenLifeSeconds - 60) * 1_000

const Revocation = z.object({
  /** `session` ends one session; `user` ends every token of the user issued before the time. */
  scope: z.enum(['session', 'user']),
  id: z.uuid(),
  /** Seconds since 1970, with fractions: tokens issued before are void. */
  notBefore: z.number(),
})
export type Revocation = z.infer<typeof Revocation>

/** Says that tokens are void before their time. Published by auth, followed by every process. */
export const tokensRevoked = defineEvent('auth', 'tokens.revoked', Revocation, revocationStream)

/** What a token says of itself, as far as revocation asks. */
export type TokenFacts = { userId: string; sessionId: string; issuedAt: number }

export type Revocations = {
  isRevoked(token: TokenFacts): boolean
  /** Whether auth has been heard within three seconds and the line still stands; if not, ask auth itself. */
  isFresh(): boolean
  /** Notes a revocation at once, ahead of the stream. */
  apply(revocation: Revocation): void
  /**
   * Calls back for each new revocation, and with `onMissed` when auth was not heard for so long that some may never be
   * learned of; returns what ends that.
   */
  onRevoked(listener: (revocation: Revocation) => void, onMissed?: () => void): () => void
  stop(): Promise<void>
}

type Listener = { onRevoked(revocation: Revocation): void; onMissed: (() => void) | undefined }

/** Follows the REVOCATION stream from one token life ago, with a consumer of this process's own. */
export function followRevocations(nats: Nats, log: Log): Revocations {
  const entries = new Map<string, { notBefore: number; forgetAt: number }>()
  const listeners = new Set<Listener>()
  let heardAt = Number.NEGATIVE_INFINITY
  let knownUntil = Date.now()
  let messages: ConsumerMessages | undefined
  const stopping = new AbortController()
  const { signal } = stopping

  const apply = (revocation: Revocation) => {
    const key = `${revocation.scope}:${revocation.id}`
    if ((entries.get(key)?.notBefore ?? 0) >= revocation.notBefore) return
    entries.set(key, {
      notBefore: revocation.notBefore,
      forgetAt: Date.now() + accessTokenLifeSeconds * 1_000,
    })
    for (const { onRevoked } of listeners) onRevoked(revocation)
  }
  const hear = () => {
    heardAt = performance.now()
    const silentMs = Date.now() - knownUntil
    knownUntil = Date.now()
    if (silentMs > longestSilenceMs) for (const { onMissed } of listeners) onMissed?.()
  }
  const session = async () => {
    const since = new Date(Date.now() - accessTokenLifeSeconds * 1_000).toISOString()
    const { last_seq: lastBefore } = (await nats.jsm.streams.info(revocationStream)).state
    const consumer = await nats.js.consumers.get(revocationStream, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: since,
    })
    const startedAt = performance.now()
    const incoming = await consumer.consume({ max_messages: 1_000, expires: 5_000 })
    messages = incoming
    const watchdog = setInterval(() => {
      if (performance.now() - Math.max(heardAt, startedAt) > staleMs) incoming.stop()
    }, 500)
    try {
      for await (const message of incoming) {
        // A heartbeat older than this process's wish to listen proves nothing about now.
        if (message.subject === heartbeatSubject) {
          const isNews = message.seq > lastBefore && message.time.getTime() > Date.now() - staleMs
          if (isNews && nats.connected()) hear()
        } else apply(Revocation.parse(message.json<PlazaEvent>().data))
      }
    } finally {
      clearInterval(watchdog)
    }
  }
  // What was heard before the line broke says nothing of what is being said now.
  const stopDisconnect = nats.onDisconnect(() => {
    heardAt = Number.NEGATIVE_INFINITY
    messages?.stop()
  })
  const following = (async () => {
    while (!signal.aborted) {
      await session().catch((error) => log.debug({ err: error }, 'revocations are not being followed'))
      await pause(100, signal)
    }
  })()
  const forgetting = setInterval(() => {
    for (const [key, entry] of entries) if (entry.forgetAt < Date.now()) entries.delete(key)
  }, 60_000)

  return {
    isRevoked: ({ userId, sessionId, issuedAt }) =>
      entries.has(`session:${sessionId}`) || issuedAt < (entries.get(`user:${userId}`)?.notBefore ?? 0),
    isFresh: () => performance.now() - heardAt < staleMs,
    apply,
    onRevoked(onRevoked, onMissed) {
      const listener = { onRevoked, onMissed }
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async stop() {
      stopping.abort()
      stopDisconnect()
      clearInterval(forgetting)
      messages?.stop()
      await following
    },
  }
}
