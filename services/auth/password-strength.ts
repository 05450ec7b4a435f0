import { Problem } from '@plaza/kit/problem'
import type { Config } from './config.ts'

export type PasswordStrength = {
  /** Throws Problem invalid, with a hint, for a password that is easy to guess. `known` are words a guesser would try first. */
  assertStrong(password: string, known: readonly string[]): Promise<void>
  stop(): void
}

export type Judgement = { score: number; hint: string | null }

type StrengthConfig = Pick<Config, 'PASSWORD_MIN_SCORE'>

/**
 * Judges new passwords by zxcvbn, in a worker: its dictionaries take 100 MB and a judgement many
 * milliseconds, so it runs beside the event loop and ends when nobody chooses passwords.
 */
export function createPasswordStrength(
  { PASSWORD_MIN_SCORE }: StrengthConfig,
  idleMs = 60_000,
): PasswordStrength {
  const asked = new Map<number, { resolve(judgement: Judgement): void; reject(error: unknown): void }>()
  let worker: Worker | undefined
  let idle: Timer | undefined
  let last = 0

  const stop = () => {
    clearTimeout(idle)
    worker?.terminate()
    worker = undefined
  }
  const fail = (error: unknown) => {
    stop()
    for (const { reject } of asked.values()) reject(error)
    asked.clear()
  }
  const start = () => {
    const started = new Worker(new URL('./password-strength-worker.ts', import.meta.url).href)
    started.onmessage = ({ data }: MessageEvent<{ id: number; judgement: Judgement }>) => {
      asked.get(data.id)?.resolve(data.judgement)
      asked.delete(data.id)
    }
    started.onerror = (event) => fail(new Error(event.message))
    started.unref()
    return started
  }
  const judge = (password: string, known: readonly string[]) =>
    new Promise<Judgement>((resolve, reject) => {
      worker ??= start()
      clearTimeout(idle)
      idle = setTimeout(stop, idleMs)
      idle.unref()
      last += 1
      asked.set(last, { resolve, reject })
      worker.postMessage({ id: last, password, known })
    })

  return {
    stop,
    async assertStrong(password, known) {
      const { score, hint } = await judge(password, known)
      if (score >= PASSWORD_MIN_SCORE) return
      throw new Problem('invalid', hint ?? 'The password is too easy to guess', {
        reason: 'password_weak',
        errors: [{ path: 'json.password', message: hint ?? 'is too easy to guess' }],
      })
    },
  }
}
