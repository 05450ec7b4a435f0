import { alternate } from '../alternate.ts'
import { loadHttp } from '../http-load.ts'
import { percent, perSecond, type Row } from '../row.ts'
import type { World } from '../world.ts'

/** What forward-auth costs: one trivial answer through the gateway, with and without it. */
export async function gateway({ plaza, pairs }: World, seconds: number): Promise<Row[]> {
  const load = (path: string) =>
    loadHttp({
      url: plaza.url,
      method: 'GET',
      callers: pairs.map(({ sender }) => ({ path, headers: { authorization: `Bearer ${sender.token}` } })),
      connections: 64,
      seconds,
    })
  const { first, second, ratio, firsts } = await alternate(
    3,
    { run: () => load('/bench/known'), figure: (result) => result.perSecond },
    { run: () => load('/bench/bare'), figure: (result) => result.perSecond },
  )
  const failed = firsts.reduce((sum, result) => sum + result.failed, 0)
  return [
    {
      what: 'authenticated request through Traefik',
      measured: `${perSecond(first)} against ${perSecond(second)} without forward-auth: ${percent(ratio)}, ${failed} failed`,
      must: '≥ 60 %',
      reached: ratio >= 0.6 && failed === 0,
    },
  ]
}
