import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import type { Fetch } from '@plaza/kit/peers'
import type { Session } from './session.ts'

/** Things of which only the newest counts, gathered for a moment and brought to their service together. */
export type Pointers<Value> = {
  note(session: Session, scope: string, value: Value): void
  stop(): Promise<void>
}

type Options<Value> = {
  log: Log
  everyMs: number
  maxBatch: number
  merge(kept: Value, value: Value): Value
  bring(items: (Whose & { scope: string; value: Value })[]): Promise<void>
}
type Whose = Pick<Session, 'userId' | 'sessionId' | 'issuedAt'>

/** What waits for a service that is away is bounded; the devices say it again later. */
const maxWaiting = 50_000

export function createPointers<Value>(options: Options<Value>): Pointers<Value> {
  const { log, everyMs, maxBatch, merge, bring } = options
  const waiting = new Map<string, Whose & { scope: string; value: Value }>()

  const note = ({ userId, sessionId, issuedAt }: Whose, scope: string, value: Value) => {
    const key = `${sessionId} ${scope}`
    const kept = waiting.get(key)
    if (!kept && waiting.size >= maxWaiting) return
    const merged = kept ? merge(kept.value, value) : value
    waiting.set(key, { userId, sessionId, issuedAt, scope, value: merged })
  }
  /** What was not brought, under what was noted since. */
  const putBack = (entries: [string, Whose & { scope: string; value: Value }][]) => {
    for (const [key, item] of entries) {
      const newer = waiting.get(key)
      if (newer) newer.value = merge(item.value, newer.value)
      else if (waiting.size < maxWaiting) waiting.set(key, item)
    }
  }
  const flush = async () => {
    while (waiting.size > 0) {
      const entries = [...waiting].slice(0, maxBatch)
      for (const [key] of entries) waiting.delete(key)
      const items = entries.map(([, item]) => item)
      try {
        await bring(items)
      } catch (error) {
        log.debug({ err: error }, 'pointers wait for their service')
        putBack(entries)
        return
      }
    }
  }
  const stopFlushing = every(everyMs, log, flush)
  return {
    note,
    async stop() {
      await stopFlushing()
      await flush()
    },
  }
}

/** Throws unless a service took what was brought; what it refuses for good is dropped. */
export async function bringTo(fetch: Fetch, method: string, url: string, items: unknown[]): Promise<void> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', 'idempotency-key': Bun.randomUUIDv7() },
    body: JSON.stringify({ items }),
  })
  if (answer.status >= 500) throw new Error(`${url} answered ${answer.status}`)
}
