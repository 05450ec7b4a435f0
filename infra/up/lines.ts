import { z } from 'zod'

const Entry = z.looseObject({
  time: z.union([z.string(), z.number()]),
  level: z.union([z.string(), z.number()]),
  service: z.string().default(''),
  msg: z.string().default(''),
  err: z.looseObject({ message: z.string().optional() }).optional(),
})

const levels: Record<string, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
const ignored = new Set(['time', 'level', 'service', 'msg', 'pid', 'hostname', 'err', 'name', 'v'])

/** A JSON log line as one that a person can read; any other line as it is. */
export const readable = (line: string): string => {
  const entry = parse(line)
  if (!entry) return line
  const { time, level, service, msg, err, ...rest } = entry
  const shown = Object.entries(rest)
    .filter(([name, value]) => !ignored.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  if (err?.message) shown.push(`error=${JSON.stringify(err.message)}`)
  return [clock(new Date(time)), (levels[level] ?? `${level}`).padEnd(5), service.padEnd(9), msg, ...shown]
    .join(' ')
    .trimEnd()
}

/** The time of day, as everything `up` prints after it is ready begins with. */
export const clock = (date: Date): string => date.toTimeString().slice(0, 8)

const parse = (line: string) => {
  if (!line.startsWith('{')) return undefined
  try {
    return Entry.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
