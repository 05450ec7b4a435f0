import type { Api } from '../api.ts'
import { backOff, pause } from '../pause.ts'
import type { Conversation, GapFrame, Receipt, Relation } from '../wire.ts'
import type { NewConversation } from './events.ts'
import type { Memory } from './memory.ts'
import { newestRevision, newPlace, type Place } from './place.ts'
import type { Timeline } from './timeline.ts'

type Options = {
  api: Api
  memory: Memory
  timeline: Timeline
  userId: string
  onContact(relation: Relation): void
  onReceipt(receipt: Receipt): void
  onConversation(conversation: NewConversation): void
  onError(error: unknown): void
  /** Ends the repair with the connection. */
  signal: AbortSignal
}

type Counters = { id: string; revision: number; deliveredSeq?: number; readSeq?: number }

/** Contacts may reach a device a little out of order, so a repair starts this far below the newest. */
const contactMargin = 16

/** What comes on one page is from one moment. */
const pageSize = 100

/** One part of a repair: `scope` is the conversation's id, or that of the contacts. */
type Part = { scope: string; repair(): Promise<void> }

/** Stands for contacts and blocks where others have a conversation's id. */
export const contactScope = 'contacts'

/** Scopes whose repair has failed or takes long, each with the promise that it is done yet; it rejects when the connection ends. */
export type Owed = Map<string, Promise<void>>

/** A repair that keeps failing is tried again this long after the last time at the most. */
const longestPauseMs = 60_000
/** The others go on without one that takes longer. */
const patienceMs = 3_000

/**
 * Fetches and tells everything that a mailbox lost, scope by scope. One that cannot be repaired, or takes long, holds up
 * no other: it is looked after again once all have had their turn.
 */
export async function repairGap(options: Options, gap: GapFrame): Promise<Owed> {
  const { api, memory } = options
  const { conversations, more, contacts } = gap.scopes
  if (gap.reason !== 'trimmed') noteLoss(memory)
  const listed: Counters[] = conversations ?? []
  const all = more || !conversations ? await collect<Conversation>(api, '/api/v1/conversations') : listed
  const parts: Part[] = all.map((counters) => ({
    scope: counters.id,
    repair: () => repairConversation(options, counters),
  }))
  if (contacts === null || contacts > memory.contacts)
    parts.push({ scope: contactScope, repair: once(() => repairContacts(options)) })
  return repairAgain(options, await repairEach(options, parts))
}

/** Answers with those that have failed or take long. */
async function repairEach(
  options: Options,
  parts: Part[],
  onRepaired: (scope: string) => void = () => {},
): Promise<Part[]> {
  const failed: Part[] = []
  for (const part of parts)
    try {
      if (await isDoneSoon(part.repair())) onRepaired(part.scope)
      else failed.push(part)
    } catch (error) {
      options.signal.throwIfAborted()
      options.onError(error)
      failed.push(part)
    }
  return failed
}

/** What takes longer goes on; whoever asks for the same repair again is given it. */
async function isDoneSoon(work: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, patienceMs, false)
  })
  return await Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer))
}

/** Work that is done once however often it is asked for, and again only when it has failed. */
function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined
  return () => {
    begun ??= work().catch((error) => {
      begun = undefined
      throw error
    })
    return begun
  }
}

/** Goes on in rounds, one scope after the other, so that an outage makes no storm of calls. */
function repairAgain(options: Options, failed: Part[]): Owed {
  const { signal } = options
  const repairs = new Map(failed.map(({ scope }) => [scope, Promise.withResolvers<void>()]))
  const goOn = async () => {
    for (let attempt = 0, left = failed; left.length > 0; attempt += 1) {
      await pause(backOff(attempt, longestPauseMs), signal)
      left = await repairEach(options, left, (scope) => repairs.get(scope)?.resolve())
    }
  }
  goOn().catch((error) => {
    for (const { reject } of repairs.values()) reject(error)
  })
  return new Map([...repairs].map(([scope, { promise }]) => [scope, promise]))
}

async function repairConversation(options: Options, counters: Counters): Promise<void> {
  const { api, memory, timeline, signal, userId } = options
  const { id, revision, deliveredSeq = 0, readSeq = 0 } = counters
  signal.throwIfAborted()
  if (!memory.places.has(id)) {
    const conversation = await api.call<Conversation>('GET', `/api/v1/conversations/${id}`)
    signal.throwIfAborted()
    options.onConversation(conversation)
    signal.throwIfAborted()
  }
  const place = memory.places.get(id)
  if (!place || newestRevision(place) < revision || place.recent.length > 0) {
    await timeline.repair(id)
    // A repair that was under way may have asked before the gap came.
    if ((place?.fetched[1] ?? 0) < revision) await timeline.repair(id)
    signal.throwIfAborted()
  }
  // One's own pointers may move where the other one does not see it, and the revision stays.
  options.onReceipt({ conversationId: id, userId, deliveredSeq, readSeq })
}

/**
 * What is there at a device's very first connection, as places that take it for told. Asked for at an open socket, so
 * that an event comes of everything that is not in it.
 */
export async function findBaseline(api: Api): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  // One that becomes active while pages are turned moves to a page that was read before, so they are read again.
  for (let known = 0; ; known = places.size) {
    const listed = await collect<Conversation>(api, '/api/v1/conversations')
    for (const { id, seq, revision } of listed)
      places.set(id, { ...newPlace(seq, revision), floor: revision })
    if (listed.length <= pageSize || places.size === known) return places
  }
}

/** A mailbox that was lost is filled again with what is days old, and has been told. */
function noteLoss(memory: Memory): void {
  for (const place of memory.places.values()) place.floor = place.from
  memory.contactsFloor = Math.max(0, memory.contacts - contactMargin)
  memory.save()
}

type ContactChanges = { items: Relation[]; version: number; more: boolean }

async function repairContacts({ api, memory, onContact, signal }: Options) {
  let after = Math.max(0, memory.contacts - contactMargin)
  for (let more = true; more; ) {
    const page: ContactChanges = await api.call('GET', '/api/v1/contacts/changes', { query: { after } })
    for (const relation of page.items) {
      signal.throwIfAborted()
      onContact(relation)
    }
    signal.throwIfAborted()
    more = page.more && page.version > after
    after = page.version
  }
  memory.contacts = Math.max(memory.contacts, after)
  memory.save()
}

async function collect<Item>(api: Api, path: string): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of api.list<Item>(path, { limit: pageSize })) items.push(item)
  return items
}
