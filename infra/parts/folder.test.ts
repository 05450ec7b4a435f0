import { afterAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { secret } from '../secret.ts'
import { startNats } from './nats.ts'
import { startRedis } from './redis.ts'

const folder = await mkdtemp(join(tmpdir(), 'plaza-folder-'))
afterAll(() => rm(folder, { recursive: true }))

const startIn = async (start: typeof startNats, dir: string) =>
  start({
    dir,
    port: await freePort(),
    password: secret(),
    logFile: join(folder, 'log'),
    progress: () => undefined,
  })

test.each(['two words', 'a#b;c{d}$HOME', 'jürgen', `"both" 'quotes'`, 'back\\slash', '123'])(
  'NATS and Redis keep their files in the folder that is named, though it be called %s',
  async (name) => {
    const [nats, redis] = [join(folder, name, 'nats'), join(folder, name, 'redis')]
    for (const part of await Promise.all([startIn(startNats, nats), startIn(startRedis, redis)]))
      await part.stop()
    expect(existsSync(join(nats, 'jetstream'))).toBe(true)
    expect(existsSync(join(redis, 'appendonlydir'))).toBe(true)
  },
)
