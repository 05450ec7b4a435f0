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
  throw new Failure(`${basename(program)}: ${reasonIn(complaint) ?? reasonIn(out) ?? `exit ${code}`}`)
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

/** Of a program's last lines the one that tells what went wrong, else the very last; undefined if it said nothing. */
export const reasonIn = (text: string): string | undefined => {
  const lines = text.trim().split('\n').slice(-30)
  const telling = lines.findLast((line) => /\b(error|fatal|ftl|could not|denied|plaza):?\b/i.test(line))
  return (telling ?? lines.at(-1))?.trim().replace(/^plaza: /, '') || undefined
}
