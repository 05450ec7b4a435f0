import type { Message, PlazaClient } from '@plaza/client'

type Kind = 'message' | 'edited' | 'deleted' | 'reaction'
type Told = { kind: Kind; message: Message }

/** Everything that one device was told of conversations, in the order it was told. */
export type Witness = {
  name: string
  /** Whether it knows everything that the history holds, as it is there. */
  knows(history: readonly Message[]): boolean
  /** What it does not know yet, in words. */
  behind(history: readonly Message[]): string
  /** Throws unless it was told all of the history once, in the order of `seq`, and each change once. */
  check(history: readonly Message[]): void
}

/** Listens to a device; call it before the device connects for the first time. */
export function listen(name: string, client: PlazaClient): Witness {
  const rooms = new Map<string, Told[]>()
  for (const kind of ['message', 'edited', 'deleted', 'reaction'] as const)
    client.on(kind, (message) => {
      const told = rooms.get(message.conversationId) ?? []
      rooms.set(message.conversationId, told)
      told.push({ kind, message })
    })
  // The client makes up for what fails on the way; whether it did is what `check` finds out.
  client.on('error', () => undefined)
  const toldOf = ([first]: readonly Message[]) => rooms.get(first?.conversationId ?? '') ?? []
  const unknownOf = (history: readonly Message[]) => {
    const revisions = new Map(toldOf(history).map(({ message }) => [message.id, message.revision]))
    return history.filter(({ id, revision }) => revisions.get(id) !== revision)
  }
  return {
    name,
    knows: (history) => unknownOf(history).length === 0,
    behind: (history) => `${name} does not know ${unknownOf(history).map(({ seq }) => seq)}`,
    check(history) {
      const complaints = complaintsAbout(toldOf(history), history)
      if (complaints.length > 0) throw new Error(`${name}: ${complaints.slice(0, 5).join('; ')}`)
    },
  }
}

function complaintsAbout(told: readonly Told[], history: readonly Message[]): string[] {
  const known = new Map<string, Message>()
  const complaints: string[] = []
  let newest = 0
  for (const { kind, message } of told) {
    const before = known.get(message.id)
    const what = `${kind} of ${message.seq} at revision ${message.revision}`
    if (before && (kind === 'message' || message.revision <= before.revision))
      complaints.push(`${what} was told after revision ${before.revision}`)
    if (!before && message.seq !== newest + 1) complaints.push(`${what} was told after ${newest}`)
    if (!before) newest = message.seq
    known.set(message.id, message)
  }
  for (const message of history) {
    const last = known.get(message.id)
    if (last?.text !== message.text || last.revision !== message.revision)
      complaints.push(`knows ${message.seq} at revision ${last?.revision}, not ${message.revision}`)
  }
  if (known.size > history.length) complaints.push(`${known.size} told, ${history.length} stored`)
  return complaints
}
