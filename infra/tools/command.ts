import { Failure } from '../failure.ts'

type Options = { env?: Record<string, string>; cwd?: string; user?: { uid: number; gid: number } }

/** Runs a program to its end and answers what it printed. Throws Failure with its last line when it fails. */
export const run = async (command: string[], { env, cwd, user }: Options = {}): Promise<string> => {
  const child = Bun.spawn(command, {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
    ...(cwd && { cwd }),
    ...user,
  })
  const [out, complaint, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0)
    throw new Failure(`${command[0]}: ${lastLine(complaint) ?? lastLine(out) ?? `exit ${code}`}`)
  return out
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
