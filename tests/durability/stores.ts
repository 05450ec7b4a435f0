import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLog } from '@plaza/kit/log'
import { connectNats, type Nats } from '@plaza/kit/nats'
import { connectRedis, type Redis } from '@plaza/kit/redis'
import type { Plaza } from '../plaza.ts'
import { processOf } from './faults.ts'

const log = createLog('silent')

/** A connection to a Plaza's Redis as its services have one. */
export const redisOf = async (plaza: Plaza): Promise<Redis> =>
  connectRedis((await processOf(plaza, 'redis')).url, 'test', log)

/** A connection to a Plaza's NATS as its services have one. */
export const natsOf = async (plaza: Plaza): Promise<Nats> =>
  await connectNats((await processOf(plaza, 'nats')).url, 'test', log)

/** Copies what a part has on the disk; `putBack` makes it the part's folder, for the next process to find. */
export async function copyFiles(plaza: Plaza, part: string): Promise<{ putBack(): Promise<void> }> {
  const folder = join(plaza.data, part)
  const copy = join(plaza.data, `copy-of-${part}`)
  await rm(copy, { recursive: true, force: true })
  await cp(folder, copy, { recursive: true })
  return {
    async putBack() {
      await takeAway(plaza, part)
      await rename(copy, folder)
    },
  }
}

/** Takes a part's folder from under it; the process that is running keeps what it has opened. */
export async function takeAway(plaza: Plaza, part: string): Promise<void> {
  const aside = join(plaza.data, `former-${part}`)
  await rm(aside, { recursive: true, force: true })
  await rename(join(plaza.data, part), aside)
}

/** Removes a part's folder; the process that is running does not notice. */
export const removeFiles = (plaza: Plaza, part: string) => rm(join(plaza.data, part), { recursive: true })
