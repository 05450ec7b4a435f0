import type { Redis } from '@plaza/kit/redis'
import { keysOf } from './keys.ts'
import { defineScript, runScript } from './script.ts'

/** How a person is there: `online` at one device at least, or `away` at all. */
export type Status = 'online' | 'away'

export type Presence = { status: Status | 'offline'; lastSeenAt: number | null }

/** A node that ends without a word is forgotten after so long. */
export const leaseMs = 60_000
const seenForMs = 90 * 86_400_000

/** What a node notes of a user who is connected to it. */
export const entryOf = (status: Status): string => `${Date.now() + leaseMs} ${status}`

/** KEYS: nodes, seen, meta. ARGV: node, its entry or '' to remove it, leaseMs, now, seenForMs. Notes nothing of an erased user. */
const noteScript = defineScript(`
if redis.call('HGET', KEYS[3], 'box') == 'gone' then return end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
`)

/** Notes how a user is there at a node. */
export async function registerPresence(
  redis: Redis,
  node: string,
  userId: string,
  status: Status,
): Promise<void> {
  await note(redis, userId, node, entryOf(status))
}

/** Notes that a user has left a node, and when. */
export async function unregister(redis: Redis, node: string, userId: string): Promise<void> {
  await note(redis, userId, node, '')
}

async function note(redis: Redis, userId: string, node: string, entry: string): Promise<void> {
  const { nodes, seen, meta } = keysOf(userId)
  await runScript(redis, noteScript, [nodes, seen, meta], [node, entry, leaseMs, Date.now(), seenForMs])
}

/** The nodes at which each user is connected. */
export async function findNodes(redis: Redis, userIds: readonly string[]): Promise<Map<string, string[]>> {
  const now = Date.now()
  const found = await Promise.all(userIds.map((userId) => redis.hgetall(keysOf(userId).nodes)))
  return new Map(
    userIds.map((userId, index) => [
      userId,
      Object.entries(found[index] ?? {}).flatMap(([node, entry]) => (readEntry(entry, now) ? node : [])),
    ]),
  )
}

/** How each user is there, over all nodes. */
export async function readPresence(redis: Redis, userIds: readonly string[]): Promise<Presence[]> {
  const now = Date.now()
  return await Promise.all(
    userIds.map(async (userId) => {
      const { nodes, seen } = keysOf(userId)
      const [entries, seenAt] = await Promise.all([redis.hvals(nodes), redis.get(seen)])
      const statuses = entries.flatMap((entry) => readEntry(entry, now) ?? [])
      const status = statuses.includes('online') ? 'online' : statuses.length > 0 ? 'away' : 'offline'
      return { status, lastSeenAt: seenAt === null ? null : Number(seenAt) }
    }),
  )
}

/** The nodes of a user's registry, as Redis lists its hash, whose leases have not ended. */
export function readNodes(registry: readonly unknown[]): string[] {
  const now = Date.now()
  const nodes: string[] = []
  for (let index = 0; index < registry.length; index += 2)
    if (readEntry(String(registry[index + 1]), now)) nodes.push(String(registry[index]))
  return nodes
}

/** The status of an entry whose lease has not ended. */
function readEntry(entry: string, now: number): Status | undefined {
  if (Number.parseInt(entry, 10) <= now) return undefined
  return entry.endsWith(' away') ? 'away' : 'online'
}
