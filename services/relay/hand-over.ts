import type { OutboxRow } from '@plaza/kit/publisher'
import { createDetours } from './detours.ts'
import type { Generation } from './generation.ts'

/**
 * The short way from a service to the mailboxes when both run in one process: what was just committed is brought
 * while the broker is still being told. The broker's way stays the one that is certain: an event that comes by it
 * as well is left out, and one that could not be brought comes by it.
 */
export type HandOver = {
  take(events: readonly OutboxRow[]): void
  /** Whether an event that now comes by the broker stands in the mailboxes already; waits while it is being brought. */
  hasBrought(eventId: string): Promise<boolean>
  /** Tells that an event was brought by the broker's way. */
  arrived(eventId: string): void
  /** Resolves when nothing is being brought. */
  idle(): Promise<void>
}

type Options = {
  /** Whether all that came to the broker before is in the mailboxes; until then nothing may overtake it. */
  isCaughtUp(): boolean
  generation: Pick<Generation, 'current'>
  /** Appends events to the mailboxes and wakes whoever is connected. */
  bring(events: readonly OutboxRow[]): Promise<void>
}

type Taken = {
  event: OutboxRow
  at: number
  /** Resolves with the generation of the mailboxes that have it; with undefined when none is known to. */
  into: Promise<number | undefined>
  settle(into: number | undefined): void
}

const maxBatch = 200
const maxWaiting = 5_000
/** By then an event has come by the broker, or another instance has taken it there. */
const keepMs = 10_000

export function createHandOver({ isCaughtUp, generation, bring }: Options): HandOver {
  const taken = new Map<string, Taken>()
  const detours = createDetours()
  const waiting: Taken[] = []
  let working: Promise<void> | undefined

  const sendByBroker = ({ event, settle }: Taken) => {
    detours.begin(event)
    settle(undefined)
  }
  const bringBatch = async (batch: readonly Taken[]) => {
    const straight: Taken[] = []
    for (const one of batch)
      if (!isCaughtUp() || detours.has(one.event)) sendByBroker(one)
      else straight.push(one)
    if (straight.length === 0) return
    try {
      const into = generation.current()
      await bring(straight.map(({ event }) => event))
      for (const { settle } of straight) settle(into)
    } catch {
      for (const one of straight) sendByBroker(one)
    }
  }
  const work = async () => {
    // What comes meanwhile makes the next batch.
    while (waiting.length > 0) await bringBatch(waiting.splice(0, maxBatch))
    working = undefined
  }
  const forgetOld = (now: number) => {
    // They stand in the order of their times.
    for (const [id, { at }] of taken) {
      if (at > now - keepMs) break
      taken.delete(id)
    }
  }

  return {
    take(events) {
      const now = Date.now()
      forgetOld(now)
      if (waiting.length >= maxWaiting) for (const one of waiting.splice(0)) sendByBroker(one)
      for (const event of events) {
        if (event.recipients === '') continue
        const { promise: into, resolve: settle } = Promise.withResolvers<number | undefined>()
        const one = { event, at: now, into, settle }
        taken.set(event.id, one)
        waiting.push(one)
      }
      if (waiting.length > 0) working ??= work()
    },
    async hasBrought(eventId) {
      const into = await taken.get(eventId)?.into
      taken.delete(eventId)
      // Mailboxes that have begun anew since do not have it.
      return into !== undefined && into === generation.current()
    },
    arrived: detours.end,
    async idle() {
      await working
    },
  }
}
