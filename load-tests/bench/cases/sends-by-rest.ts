import { alternate } from '../alternate.ts'
import { generate } from '../child.ts'
import { loadHttp } from '../http-load.ts'
import { ms, percent, perSecond, type Row } from '../row.ts'
import type { SteadyFigures, SteadyPlan } from '../send-steadily.ts'
import type { World } from '../world.ts'

const body = () =>
  JSON.stringify({ text: 'A message of an ordinary length, as people write them to each other.' })

/** Durable sends by REST through the gateway, 64 senders, against the floor. */
export async function sendsByRest({ plaza, pairs }: World, seconds: number): Promise<Row[]> {
  const senders = pairs.slice(0, 64)
  const load = (callers: Parameters<typeof loadHttp>[0]['callers']) =>
    loadHttp({
      url: plaza.url,
      method: 'POST',
      callers,
      connections: 64,
      seconds,
      keyed: true,
    })
  const product = senders.map(({ sender, conversationId }) => ({
    path: `/api/v1/conversations/${conversationId}/messages`,
    headers: { authorization: `Bearer ${sender.token}` },
    body,
  }))
  const floor = senders.map(({ sender, conversationId }) => ({
    path: `/floor/${conversationId}?user=${sender.id}`,
    body,
  }))
  const { first, second, ratio, firsts } = await alternate(
    3,
    { run: () => load(product), figure: (result) => result.perSecond },
    { run: () => load(floor), figure: (result) => result.perSecond },
  )
  const failed = firsts.reduce((sum, result) => sum + result.failed, 0)
  const half = await generate<SteadyPlan, SteadyFigures>('send-steadily.ts', {
    url: plaza.url,
    senders: senders.map(({ sender, conversationId }) => ({
      path: `/api/v1/conversations/${conversationId}/messages`,
      token: sender.token,
      body: body(),
    })),
    perSecond: Math.round(first / 2),
    seconds,
  })
  return [
    {
      what: 'durable sends by REST through the gateway, 64 senders',
      measured: `${perSecond(first)} against a floor of ${perSecond(second)}: ${percent(ratio)}, ${failed} failed`,
      must: '≥ 75 % of the floor',
      reached: ratio >= 0.75 && failed === 0,
    },
    {
      what: `the same at half that load (${perSecond(half.perSecond)})`,
      measured: `p50 ${ms(half.p50)}, p99 ${ms(half.p99)}`,
      must: 'p99 ≤ 60 ms',
      reached: half.p99 <= 60 && half.failed === 0,
    },
  ]
}
