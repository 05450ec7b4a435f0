import { Problem } from '@plaza/kit/problem'
import type { Config } from './config.ts'

export type PasswordStrength = {
  /**
   * Throws Problem invalid, with a hint, for a password that is easy to guess, and limited when too many wait or
   * it takes too long.
   */
  assertStrong(choice: Choice): Promise<void>
  /** Whoever still waits gets Problem unavailable. */
  stop(): void
}

type Choice = {
  password: string
  /** Of the request that holds the password. */
  field: 'password' | 'newPassword'
  /** Whose it is: what a guesser would try first. */
  username: string
  email: string
}

export type Judgement = { score: number; hint: string | null }

type StrengthConfig = Pick<Config, 'PASSWORD_MIN_SCORE' | 'JUDGE_QUEUE_LIMIT' | 'JUDGE_TIMEOUT_SECONDS'>

type Asked = { resolve(judgement: Judgement): void; reject(error: unknown): void; timer: Timer }

/**
 * Judges new passwords by zxcvbn, in a worker: its dictionaries take 100 MB and a judgement many
 * milliseconds, so it runs beside the event loop and ends when nobody chooses passwords.
 */
export function createPasswordStrength(
  { PASSWORD_MIN_SCORE, JUDGE_QUEUE_LIMIT, JUDGE_TIMEOUT_SECONDS }: StrengthConfig,
  idleMs = 60_000,
): PasswordStrength {
  const asked = new Map<number, Asked>()
  let worker: Worker | undefined
  let idle: Timer | undefined
  let last = 0

  const end = () => {
    clearTimeout(idle)
    worker?.terminate()
    worker = undefined
  }
  const fail = (error: unknown) => {
    end()
    for (const { reject, timer } of asked.values()) {
      clearTimeout(timer)
      reject(error)
    }
    asked.clear()
  }
  const start = () => {
    const started = new Worker(new URL('./password-strength-worker.ts', import.meta.url).href)
    started.onmessage = ({ data }: MessageEvent<{ id: number; judgement: Judgement }>) => {
      const answered = asked.get(data.id)
      clearTimeout(answered?.timer)
      answered?.resolve(data.judgement)
      asked.delete(data.id)
    }
    started.onerror = (event) => fail(new Error(event.message))
    started.unref()
    return started
  }
  const judge = (password: string, known: readonly string[]) =>
    new Promise<Judgement>((resolve, reject) => {
      if (asked.size >= JUDGE_QUEUE_LIMIT) return reject(busy())
      worker ??= start()
      clearTimeout(idle)
      idle = setTimeout(end, idleMs)
      idle.unref()
      last += 1
      // The worker judges one after the other: what takes too long holds up all behind it.
      const timer = setTimeout(() => fail(busy()), JUDGE_TIMEOUT_SECONDS * 1_000)
      asked.set(last, { resolve, reject, timer })
      worker.postMessage({ id: last, password, known })
    })

  return {
    stop: () => fail(new Problem('unavailable', 'The service is stopping', { retryAfterSeconds: 1 })),
    async assertStrong({ password, field, username, email }) {
      const { score, hint } = await judge(password, [username, email, ...email.split(/[@.]/), 'plaza'])
      if (score >= PASSWORD_MIN_SCORE) return
      throw new Problem('invalid', hint ?? 'The password is too easy to guess', {
        reason: 'password_weak',
        errors: [{ path: `json.${field}`, message: hint ?? 'is too easy to guess' }],
      })
    },
  }
}

const busy = () =>
  new Problem('limited', 'Too many people are choosing passwords just now', {
    reason: 'busy',
    retryAfterSeconds: 1,
  })
