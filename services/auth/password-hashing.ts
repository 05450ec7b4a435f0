import { hash, verify } from '@node-rs/argon2'
import { counter } from '@plaza/kit/metrics'
import { Problem } from '@plaza/kit/problem'
import type { Config } from './config.ts'

/** OWASP's second choice of parameters for argon2id, which is the library's default algorithm. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export const passwordHashes = counter('auth_password_hashes_total', 'Passwords hashed or verified')

export type PasswordHashing = {
  /** An argon2id hash in PHC form. Throws Problem limited when too many wait. */
  hash(password: string): Promise<string>
  /** Whether the password is the hash's. Without a hash the same work is done for nothing, and the answer is no. */
  verify(hash: string | null | undefined, password: string): Promise<boolean>
}

type HashingConfig = Pick<Config, 'HASH_CONCURRENCY' | 'HASH_QUEUE_LIMIT'>

/** Hashes passwords, as many at once as there are cores; a storm of log-ins waits in a bounded queue. */
export function createPasswordHashing({
  HASH_CONCURRENCY,
  HASH_QUEUE_LIMIT,
}: HashingConfig): PasswordHashing {
  const waiting: (() => void)[] = []
  let running = 0
  const decoy = hash(crypto.randomUUID(), cost)

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= HASH_CONCURRENCY) {
      if (waiting.length >= HASH_QUEUE_LIMIT) {
        throw new Problem('limited', 'Too many people are logging in just now', {
          reason: 'busy',
          retryAfterSeconds: 1,
        })
      }
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running += 1
    passwordHashes.inc()
    try {
      return await work()
    } finally {
      // The place passes straight on to the next, so that no newcomer slips in between.
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }

  return {
    hash: (password) => inTurn(() => hash(password, cost)),
    verify: (known, password) =>
      inTurn(async () => (await verify(known ?? (await decoy), password)) && Boolean(known)),
  }
}
