import { alternate } from '../alternate.ts'
import { generate } from '../child.ts'
import type { Floor } from '../floor-process.ts'
import { percent, perSecond, type Row } from '../row.ts'
import type { SendFigures, SendPlan } from '../send-by-socket.ts'
import { cpuSeconds } from '../usage.ts'
import type { World } from '../world.ts'

type Measured = SendFigures & { cpuPerThousand: number; shares: Record<string, number> }

/** Durable sends by socket through the gateway, 128 senders, against the floor; and what they cost in CPU. */
export async function sendsBySocket(world: World, floor: Floor, seconds: number): Promise<Row[]> {
  const { plaza, pairs } = world
  const { parts, services } = await plaza.run()
  const stores = parts.filter(({ name }) => name !== 'traefik')
  const measure = async (
    senders: SendPlan['senders'],
    processes: { name: string; pid: number }[],
  ): Promise<Measured> => {
    const before = processes.map(({ pid }) => cpuSeconds(pid))
    const figures = await generate<SendPlan, SendFigures>('send-by-socket.ts', { senders, seconds })
    const used = processes.map(
      ({ name, pid }, index) => [name, cpuSeconds(pid) - (before[index] ?? 0)] as const,
    )
    const total = used.reduce((sum, [, value]) => sum + value, 0)
    const each = (value: number) => (value / figures.sent) * 1_000
    return {
      ...figures,
      cpuPerThousand: each(total),
      shares: Object.fromEntries(used.map(([name, value]) => [name, each(value)])),
    }
  }
  const senders = pairs.slice(0, 128)
  const product = async () =>
    measure(
      await Promise.all(
        senders.map(async ({ sender, conversationId }) => ({
          url: await world.socketUrl(sender),
          conversationId,
        })),
      ),
      [...stores, ...services],
    )
  const base = plaza.url.replace('http', 'ws')
  const bare = () =>
    measure(
      senders.map(({ sender, conversationId }) => ({
        url: `${base}/floor/ws?user=${sender.id}`,
        conversationId,
      })),
      [...stores, { name: 'floor', pid: floor.pid }],
    )
  const figures = await alternate(
    3,
    { run: product, figure: (result) => result.perSecond },
    { run: bare, figure: (result) => result.perSecond },
  )
  const cost = (results: Measured[]) =>
    results.map((result) => result.cpuPerThousand).toSorted((a, b) => a - b)[1] ?? Number.NaN
  const [mine, least] = [cost(figures.firsts), cost(figures.seconds)]
  const failed = figures.firsts.reduce((sum, result) => sum + result.failed, 0)
  const shares = Object.entries(figures.firsts[1]?.shares ?? {}).map(
    ([name, value]) => `${name} ${value.toFixed(3)}`,
  )
  const floorShares = Object.entries(figures.seconds[1]?.shares ?? {}).map(
    ([name, value]) => `${name} ${value.toFixed(3)}`,
  )
  return [
    {
      what: 'durable sends by socket through the gateway, 128 senders',
      measured: `${perSecond(figures.first)} against a floor of ${perSecond(figures.second)}: ${percent(figures.ratio)}, ${failed} failed`,
      must: '≥ 75 % of the floor',
      reached: figures.ratio >= 0.75 && failed === 0,
    },
    {
      what: 'CPU-seconds per 1,000 sends by socket, all processes but gateway and load generator',
      measured: `${mine.toFixed(3)} (${shares.join(', ')}) against ${least.toFixed(3)} (${floorShares.join(', ')}): ${(mine / least).toFixed(2)} ×`,
      must: '≤ 1.25 × the floor',
      reached: mine <= 1.25 * least,
    },
  ]
}
