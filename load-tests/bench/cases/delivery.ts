import { generate } from '../child.ts'
import type { DeliverFigures, DeliverPlan } from '../deliver.ts'
import { ms, type Row } from '../row.ts'
import type { World } from '../world.ts'

/** From a send to the other person's socket, 500 a second through the gateway, and what the floor takes for it. */
export async function delivery(world: World, seconds: number): Promise<Row[]> {
  const deliver = (pairs: DeliverPlan['pairs']) =>
    generate<DeliverPlan, DeliverFigures>('deliver.ts', { pairs, perSecond: 500, seconds, warmUpSeconds: 10 })
  const chosen = world.pairs.slice(0, 50)
  const figures = await deliver(
    await Promise.all(
      chosen.map(async ({ sender, receiver, conversationId }) => ({
        sender: await world.socketUrl(sender),
        receiver: await world.socketUrl(receiver),
        conversationId,
      })),
    ),
  )
  const floorUrl = `${world.plaza.url.replace('http', 'ws')}/floor/ws`
  const floor = await deliver(
    chosen.map(({ sender, conversationId }) => ({
      sender: `${floorUrl}?user=${sender.id}`,
      receiver: `${floorUrl}?conversation=${conversationId}`,
      conversationId,
    })),
  )
  const times = ({ p50, p99 }: DeliverFigures) => `p50 ${ms(p50)}, p99 ${ms(p99)}`
  return [
    {
      what: "send → other person's socket, 500/s through the gateway",
      measured: `${times(figures)}, ${figures.received} of ${figures.sent} received (the floor ${times(floor)})`,
      must: 'p50 ≤ 3 ms, p99 ≤ 15 ms',
      reached: figures.p50 <= 3 && figures.p99 <= 15 && figures.received === figures.sent,
    },
  ]
}
