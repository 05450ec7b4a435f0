import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Variables as the process got them. */
export type Environment = Record<string, string | undefined>

/** An error of start-up that the operator can mend: shown as one line, without a stack. */
export class StartupError extends Error {
  override name = 'StartupError'
}

/**
 * A service's own view of the environment: `MESSAGE_PORT` is the `PORT` of the service message and
 * wins over `PORT`, and `X_FILE` names a file that holds the value of `X`.
 */
export function environmentOf(service: string, environment: Environment): Environment {
  const prefix = `${service.toUpperCase()}_`
  const own = Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
  )
  return { ...readFiles(environment), ...readFiles(Object.fromEntries(own)) }
}

/** Reads variables by their schema; one that is empty, or blank, is not set. Throws StartupError naming each variable that is missing or wrong. */
export function readConfig<T extends z.ZodType>(schema: T, environment: Environment): z.output<T> {
  const filled = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''))
  const result = schema.safeParse(filled)
  if (result.success) return result.data
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new StartupError(`set these variables, or X_FILE to a readable file for each X: ${faults.join('; ')}`)
}

/** A number from a variable, with its bounds and default. */
export const number = (fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().min(min).max(max).default(fallback)

/** A comma-separated list from a variable. */
export const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => text.split(',').flatMap((item) => item.trim() || []))

/** Fills each variable X that is not set from the file that X_FILE names. */
export function readFiles(environment: Environment): Environment {
  const files = Object.entries(environment).flatMap(([name, path]) => {
    const variable = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : ''
    return variable && path && environment[variable] === undefined ? [[variable, path] as const] : []
  })
  return {
    ...environment,
    ...Object.fromEntries(files.map(([variable, path]) => [variable, readSecret(path)])),
  }
}

/** Other programs' variables end in _FILE too, so an unreadable file only counts where a schema asks for its value. */
function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
