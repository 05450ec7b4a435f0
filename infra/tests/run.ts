/** How many tests of a run of the test runner came out how, and what it printed of each that failed. */
export type Result = { passed: number; failed: number; skipped: number; failures: string[] }

type Surroundings = {
  cwd: string
  env: Record<string, string | undefined>
  /** Who gets what the runner prints, as it comes. */
  print: (text: string) => void
}

/**
 * Runs the test runner, passes on what it prints, and counts. A runner that ends without its summary, or with an
 * error that no test accounts for, counts as one failed test: no crash passes unseen.
 */
export const runTests = async (options: string[], { cwd, env, print }: Surroundings): Promise<Result> => {
  const runner = Bun.spawn([process.execPath, 'test', '--timeout=60000', ...options], {
    cwd,
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const printed = await Promise.all([follow(runner.stdout, print), follow(runner.stderr, print)])
  const code = await runner.exited
  const result = readSummary(printed.join('\n'))
  const unexplained = !result || (code !== 0 && result.failed === 0)
  if (unexplained) print(`the test runner ended with ${runner.signalCode ?? `code ${code}`}\n`)
  const { passed, failed, skipped } = result ?? { passed: 0, failed: 0, skipped: 0 }
  const failures = printed.flatMap(readFailures)
  return { passed, failed: failed + (unexplained ? 1 : 0), skipped, failures }
}

/** The counts that the runner prints at its end, or undefined when it did not get there. */
export const readSummary = (printed: string): Omit<Result, 'failures'> | undefined => {
  const end = printed.lastIndexOf('\nRan ')
  if (end < 0) return undefined
  const summary = printed.slice(0, end).split('\n\n').at(-1) ?? ''
  const count = (kind: string) => Number(new RegExp(`^ *(\\d+) ${kind}$`, 'm').exec(summary)?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') }
}

const detailLines = 40

/** What the runner prints of each failed test: its file, the end of what came before its line, and its line. */
export const readFailures = (printed: string): string[] => {
  const failures: string[] = []
  let file = ''
  let since: string[] = []
  for (const line of printed.split('\n')) {
    if (/^\S+\.test\.ts:$/.test(line)) file = line
    since.push(line)
    if (line.startsWith('(fail) ')) failures.push([file, ...since.slice(-detailLines)].join('\n'))
    if (line === file || /^\((pass|fail|skip|todo)\) /.test(line)) since = []
  }
  return failures
}

const follow = async (stream: ReadableStream<Uint8Array>, print: Surroundings['print']): Promise<string> => {
  const decoder = new TextDecoder()
  let all = ''
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true })
    print(text)
    all += text
  }
  return all
}
