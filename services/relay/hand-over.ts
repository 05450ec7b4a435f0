import type { OutboxRow } from '@plaza/kit/publisher'
import { createDetours } from './detours.ts'
import type { Generation } from './generation.ts'

/**
 * The short way from a service to the mailboxes when both run in one process: what was just committed is brought
 * before the broker is told. The broker's way stays the one that is certain: an event that could not be brought, or
 * not soon enough, comes by it.
 */
export type HandOver = {
  /** Brings events to their recipients and answers of each whether it stands in their mailboxes; if not, the broker has to bring it. */
  take(events: readonly OutboxRow[]): Promise<boolean[]>
  /** Whether an event that comes by the broker while it is being brought stands in the mailboxes in the end. */
  isBrought(eventId: string): Promise<boolean>
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
  /** Resolves with the generation of the mailboxes that have it; with undefined when none is known to. */
  into: Promise<number | undefined>
  settle(into: number | undefined): void
}

const maxBatch = 200
const maxWaiting = 5_000

export function createHandOver({ isCaughtUp, generation, bring }: Options): HandOver {
  /** What waits or is being brought. */
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
  const enqueue = async (event: OutboxRow): Promise<boolean> => {
    const { promise: into, resolve: settle } = Promise.withResolvers<number | undefined>()
    const one = { event, into, settle }
    taken.set(event.id, one)
    waiting.push(one)
    const isBrought = (await into) !== undefined
    taken.delete(event.id)
    return isBrought
  }

  return {
    async take(events) {
      if (waiting.length >= maxWaiting) for (const one of waiting.splice(0)) sendByBroker(one)
      const brought = events.map((event) => event.recipients === '' || enqueue(event))
      if (waiting.length > 0) working ??= work()
      return await Promise.all(brought)
    },
    async isBrought(eventId) {
      const into = await taken.get(eventId)?.into
      // Mailboxes that have begun anew since do not have it.
      return into !== undefined && into === generation.current()
    },
    arrived: detours.end,
    async idle() {
      await working
    },
  }
}
