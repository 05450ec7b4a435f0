import type { Redis } from '@plaza/kit/redis'

/** A Lua script that Redis runs as one step. */
export type Script = {
  source: string
  sha: string
}

export const defineScript = (source: string): Script => ({
  source,
  sha: new Bun.CryptoHasher('sha1').update(source).digest('hex'),
})

/** Runs a script by its hash; Redis gets its text when it does not know it, as after a restart. */
export async function runScript(
  redis: Redis,
  { source, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return await redis.eval(source, keys.length, ...keys, ...args)
  }
}
