import { createAcknowledgements } from './acknowledgements.ts'
import type { Ctx } from './context.ts'
import type { Pointers } from './pointers.ts'
import { createPresence, type PresenceBoard } from './presence.ts'
import { createReader, type Reader } from './reader.ts'
import { createReceipts, type Receipt } from './receipts.ts'
import { createSends, type Sends } from './sends.ts'
import { createTyping, type Typing } from './typing.ts'

/** What works on frames. */
export type Parts = {
  reader: Reader
  sends: Sends
  receipts: Pointers<Receipt>
  acknowledgements: Pointers<string>
  typing: Typing
  presence: PresenceBoard
}

export const createParts = (ctx: Ctx): Parts => ({
  reader: createReader(ctx),
  sends: createSends(ctx),
  receipts: createReceipts(ctx),
  acknowledgements: createAcknowledgements(ctx),
  typing: createTyping(ctx),
  presence: createPresence(ctx),
})
