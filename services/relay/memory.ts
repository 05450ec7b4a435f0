import type { Log } from '@plaza/kit/log'
import type { Redis } from '@plaza/kit/redis'
import { keysOf } from './keys.ts'
import { runScript } from './script.ts'
import { emptyScript, sizeScript } from './scripts.ts'

const roomShare = 0.9

/**
 * Makes room when Redis refuses writes for want of memory: the largest mailboxes are emptied until a tenth
 * is free. They keep their count, so devices that had read all of theirs notice nothing; the others find a gap.
 */
export async function emptyLargest(redis: Redis, log: Log): Promise<void> {
  const { used, max } = await readMemory(redis)
  if (max === 0 || used <= max * roomShare) return
  const sizes = await listSizes(redis)
  let toFree = used - max * roomShare
  let emptied = 0
  for (const { userId, bytes } of sizes) {
    if (toFree <= 0) break
    const { frames, meta } = keysOf(userId)
    await runScript(redis, emptyScript, [frames, meta], [])
    toFree -= bytes
    emptied += 1
  }
  log.warn({ emptied, used, max }, 'Redis is full: the largest mailboxes were emptied')
}

async function readMemory(redis: Redis): Promise<{ used: number; max: number }> {
  const info = await redis.info('memory')
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  return { used: read('used_memory'), max: read('maxmemory') }
}

/** All mailboxes with what they hold, the largest first. */
async function listSizes(redis: Redis): Promise<{ userId: string; bytes: number }[]> {
  const sizes: { userId: string; bytes: number }[] = []
  for await (const keys of redis.scanStream({ match: 'relay:{*}:meta', count: 1_000 })) {
    const users = (Array.isArray(keys) ? keys : []).flatMap((key) => /\{(.+)\}/.exec(String(key))?.[1] ?? [])
    const found = await Promise.all(
      users.map((userId) => runScript(redis, sizeScript, [keysOf(userId).meta], [])),
    )
    users.forEach((userId, index) => {
      const bytes = Number(found[index])
      if (bytes > 0) sizes.push({ userId, bytes })
    })
  }
  return sizes.sort((a, b) => b.bytes - a.bytes)
}
