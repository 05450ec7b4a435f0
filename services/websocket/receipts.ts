import type { Ctx } from './context.ts'
import { bringTo, createPointers, type Pointers } from './pointers.ts'

export type Receipt = { deliveredSeq?: number | undefined; readSeq?: number | undefined }

const everyMs = 100

/** Receipts of all sockets, brought to message together: one for each conversation however many came. */
export const createReceipts = ({ message, log }: Pick<Ctx, 'message' | 'log'>): Pointers<Receipt> =>
  createPointers<Receipt>({
    log,
    everyMs,
    maxBatch: 200,
    merge: (kept, value) => ({
      deliveredSeq: highest(kept.deliveredSeq, value.deliveredSeq),
      readSeq: highest(kept.readSeq, value.readSeq),
    }),
    bring: (items) =>
      bringTo(
        message,
        'POST',
        'http://message/internal/v1/receipts/batch',
        items.map(({ scope, value, ...whose }) => ({ ...whose, conversationId: scope, ...value })),
      ),
  })

const highest = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b)
