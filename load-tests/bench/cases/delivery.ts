import { generate } from '../child.ts'
import type { DeliverFigures, DeliverPlan } from '../deliver.ts'
import { ms, type Row } from '../row.ts'
import type { World } from '../world.ts'

/** From a send to the other person's socket, 500 a second through the gateway. */
export async function delivery(world: World, seconds: number): Promise<Row[]> {
  const pairs = await Promise.all(
    world.pairs.slice(0, 50).map(async ({ sender, receiver, conversationId }) => ({
      sender: await world.socketUrl(sender),
      receiver: await world.socketUrl(receiver),
      conversationId,
    })),
  )
  const figures = await generate<DeliverPlan, DeliverFigures>('deliver.ts', {
    pairs,
    perSecond: 500,
    seconds,
    warmUpSeconds: 10,
  })
  return [
    {
      what: "send → other person's socket, 500/s through the gateway",
      measured: `p50 ${ms(figures.p50)}, p99 ${ms(figures.p99)}, ${figures.received} of ${figures.sent} received`,
      must: 'p50 ≤ 3 ms, p99 ≤ 15 ms',
      reached: figures.p50 <= 3 && figures.p99 <= 15 && figures.received === figures.sent,
    },
  ]
}
