import { hash, verify } from '@node-rs/argon2'
import { alternate } from '../alternate.ts'
import { loadHttp } from '../http-load.ts'
import { percent, perSecond, type Row } from '../row.ts'
import { eachOf } from '../socket.ts'
import type { World } from '../world.ts'

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Log-ins through the gateway against what the argon2 library alone does. */
export async function logIn({ plaza, pairs, password }: World, seconds: number): Promise<Row[]> {
  const known = await hash(password, parameters)
  const bare = async () => {
    const until = performance.now() + seconds * 1_000
    let done = 0
    await eachOf(Array.from({ length: 16 }), 16, async () => {
      while (performance.now() < until) {
        await verify(known, password)
        done += 1
      }
    })
    return done / seconds
  }
  const product = () =>
    loadHttp({
      url: plaza.url,
      method: 'POST',
      callers: pairs.map(({ sender }) => ({
        path: '/api/v1/auth/login',
        body: () => JSON.stringify({ login: sender.username, password }),
      })),
      connections: 16,
      seconds,
    })
  const { first, second, ratio, firsts } = await alternate(
    3,
    { run: product, figure: (result) => result.perSecond },
    { run: bare, figure: (result) => result },
  )
  const failed = firsts.reduce((sum, result) => sum + result.failed, 0)
  return [
    {
      what: 'log-in',
      measured: `${perSecond(first)} against ${perSecond(second)} of the argon2 library alone: ${percent(ratio)}, ${failed} failed`,
      must: '≥ 90 %',
      reached: ratio >= 0.9 && failed === 0,
    },
  ]
}
