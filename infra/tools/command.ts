import { basename } from 'node:path'
import { Failure } from '../failure.ts'

type Options = { env?: Record<string, string>; cwd?: string; user?: { uid: number; gid: number } }

/** Runs a program to its end and answers what it printed. Throws Failure with its reason in one line when it fails. */
export const run = async (command: string[], { env, cwd, user }: Options = {}): Promise<string> => {
  const [program = ''] = command
  if (!Bun.which(program)) throw new Failure(`there is no ${program} on this machine`)
  const child = Bun.spawn(command, {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
    ...(cwd && { cwd }),
    ...user,
  })
  const [out, complaint, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code === 0) return out
  const reason = tellingLine(complaint) ?? lastLine(complaint) ?? lastLine(out) ?? `exit ${code}`
  throw new Failure(`${basename(program)}: ${reason}`)
}

/** A program on PATH whose printed version satisfies the range, or undefined. */
export const findOnPath = async (
  program: string,
  versionArguments: string[],
  range: string,
): Promise<string | undefined> => {
  const path = Bun.which(program)
  if (!path) return undefined
  const printed = await run([path, ...versionArguments]).catch(() => '')
  const version = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(printed)
  if (!version) return undefined
  const [, major, minor, patch = '0'] = version
  return Bun.semver.satisfies(`${major}.${minor}.${patch}`, range) ? path : undefined
}

/** The last line that says something. */
export const lastLine = (text: string): string | undefined =>
  text.trimEnd().split('\n').at(-1)?.trim() || undefined

const tellingLine = (text: string) =>
  text
    .split('\n')
    .find((line) => /\b(error|fatal|could not)\b/i.test(line))
    ?.trim()
