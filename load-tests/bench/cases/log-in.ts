import { hash, verify } from '@node-rs/argon2'
import { alternate } from '../alternate.ts'
import { loadHttp } from '../http-load.ts'
import { percent, perSecond, type Row } from '../row.ts'
import { eachOf } from '../socket.ts'
import type { World } from '../world.ts'

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Log-ins through the gateway, and the floor's, against what the argon2 library alone does. */
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
  const names = pairs.map(({ sender }) => sender.username)
  const load = (path: string) => () =>
    loadHttp({
      url: plaza.url,
      method: 'POST',
      callers: names.map((login) => ({ path, body: () => JSON.stringify({ login, password }) })),
      connections: 16,
      seconds,
    })
  await fetch(`${plaza.url}/floor/register`, {
    method: 'POST',
    body: JSON.stringify({ names, hash: known }),
  })
  const against = (path: string, rounds: number) =>
    alternate(
      rounds,
      { run: load(path), figure: (result) => result.perSecond },
      { run: bare, figure: (result) => result },
    )
  const { first, second, ratio, firsts } = await against('/api/v1/auth/login', 3)
  const floor = await against('/floor/login', 2)
  const failed = firsts.reduce((sum, result) => sum + result.failed, 0)
  return [
    {
      what: 'log-in',
      measured: `${perSecond(first)} against ${perSecond(second)} of the argon2 library alone: ${percent(ratio)}, ${failed} failed (the floor ${percent(floor.ratio)})`,
      must: '≥ 90 %',
      reached: ratio >= 0.9 && failed === 0,
    },
  ]
}
