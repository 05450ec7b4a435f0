import { createAcknowledgements } from './acknowledgements.ts'
import type { Ctx } from './context.ts'
import type { Pointers } from './pointers.ts'
import { createPresence, type PresenceBoard } from './presence.ts'
import { createReader, type Reader } from './reader.ts'
import { createReceipts, type Receipt } from './receipts.ts'
import { followRelationChanges, type RelationChanges } from './relation-changes.ts'
import { createSends, type Sends } from './sends.ts'
import { createTyping, type Typing } from './typing.ts'

/** What works on frames. */
export type Parts = {
  reader: Reader
  sends: Sends
  receipts: Pointers<Receipt>
  acknowledgements: Pointers<string>
  relations: RelationChanges
  typing: Typing
  presence: PresenceBoard
}

export function createParts(ctx: Ctx): Parts {
  const relations = followRelationChanges(ctx.nats)
  return {
    reader: createReader(ctx),
    sends: createSends(ctx),
    receipts: createReceipts(ctx),
    acknowledgements: createAcknowledgements(ctx),
    relations,
    typing: createTyping(ctx, relations),
    presence: createPresence(ctx, relations),
  }
}
