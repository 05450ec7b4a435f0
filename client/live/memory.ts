import { parseStored, type Storage } from '../storage.ts'
import type { Place } from './place.ts'

/** What a device remembers of the stream: its cursor in the mailbox, and how far each conversation was told. */
export type Memory = {
  cursor: string | undefined
  /** The version of the contacts that was told. */
  contacts: number
  /** As a place's `floor`, for contacts. */
  contactsFloor: number
  places: Map<string, Place>
  /** The newest events and conversations that were told and have nothing but their ids to be known by. */
  events: string[]
  /** How far conversations have reached this device of which the server has not been told yet. */
  delivered: Map<string, number>
  /** Writes all of it down soon; writes within a second are one. */
  save(): void
  /** Writes it down now, if it changed. */
  flush(): Promise<void>
}

type Kept = {
  cursor: string | undefined
  contacts: number
  contactsFloor?: number
  places: [string, Place][]
  events?: string[]
  delivered?: [string, number][]
}

const saveAfterMs = 1_000
/** After a server has lost its mailboxes it delivers again what was enqueued and has not expired. */
const knownEvents = 1_000

/** Notes what is known by its id alone; false when it was told before. */
export function noteOnce(memory: Memory, id: string): boolean {
  if (memory.events.includes(id)) return false
  memory.events.push(id)
  if (memory.events.length > knownEvents) memory.events.shift()
  memory.save()
  return true
}

/** Reads what this person's device remembered last. */
export async function openMemory(storage: Storage, userId: string): Promise<Memory> {
  const key = `plaza.live.${userId}`
  const kept = parseStored<Kept>(await storage.get(key)) ?? { cursor: undefined, contacts: 0, places: [] }
  let timer: ReturnType<typeof setTimeout> | undefined
  const memory: Memory = {
    cursor: kept.cursor,
    contacts: kept.contacts,
    contactsFloor: kept.contactsFloor ?? 0,
    places: new Map(kept.places),
    events: kept.events ?? [],
    delivered: new Map(kept.delivered),
    save() {
      timer ??= setTimeout(() => void memory.flush().catch(console.error), saveAfterMs)
    },
    async flush() {
      if (timer === undefined) return
      clearTimeout(timer)
      timer = undefined
      await storage.set(key, JSON.stringify(keptOf(memory)))
    },
  }
  return memory
}

const keptOf = ({ cursor, contacts, contactsFloor, places, events, delivered }: Memory): Kept => ({
  cursor,
  contacts,
  contactsFloor,
  places: [...places],
  events,
  delivered: [...delivered],
})
