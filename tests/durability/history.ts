import type { Message } from '@plaza/client'
import { eventually } from '@plaza/kit/testing'
import type { Someone } from '../people.ts'
import type { Pair } from './pair.ts'
import { insist } from './writer.ts'

/** An event that a killed relay had taken comes again after 30 s; a mailbox is compared every 20 s. */
const settleMs = 90_000

/** Throws unless what was acknowledged is in the history once, and every device was told all of it once and in order. */
export async function verifyPair({ conversationId, bySocket, witnesses, acknowledged }: Pair): Promise<void> {
  const history = await insist(() => readHistory(bySocket, conversationId))
  checkHistory(history, acknowledged)
  await eventually(() => {
    const behind = witnesses.filter((witness) => !witness.knows(history))
    if (behind.length > 0) throw new Error(behind.map((witness) => witness.behind(history)).join('; '))
  }, settleMs)
  for (const witness of witnesses) witness.check(history)
}

async function readHistory({ client }: Someone, conversationId: string): Promise<Message[]> {
  const messages: Message[] = []
  for (let after: number | null = 0; after !== null; ) {
    const page = await client.talk.history(conversationId, { after, limit: 100 })
    messages.push(...page.items)
    after = page.after
  }
  return messages
}

/** Writers insist until they have their answer, so what is stored is exactly what was acknowledged. */
function checkHistory(history: readonly Message[], acknowledged: ReadonlyMap<string, Message>): void {
  const stored = new Map(history.map((message) => [message.id, message]))
  for (const { id, seq, text } of acknowledged.values()) {
    const kept = stored.get(id)
    if (kept?.seq !== seq || kept.text !== text)
      throw new Error(`"${text}" was acknowledged as ${seq}, the history holds ${kept?.seq} "${kept?.text}"`)
  }
  if (history.length !== acknowledged.size)
    throw new Error(`${acknowledged.size} were acknowledged, the history holds ${history.length}`)
  const holes = history.filter(({ seq }, index) => seq !== index + 1)
  if (holes.length > 0) throw new Error(`the history goes from ${(holes[0]?.seq ?? 0) - 1} on with a hole`)
}
