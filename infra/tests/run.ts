/** How many tests of a run of the test runner came out how. */
export type Result = { passed: number; failed: number; skipped: number }

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
  return { passed, failed: failed + (unexplained ? 1 : 0), skipped }
}

/** The counts that the runner prints at its end, or undefined when it did not get there. */
export const readSummary = (printed: string): Result | undefined => {
  const end = printed.lastIndexOf('\nRan ')
  if (end < 0) return undefined
  const summary = printed.slice(0, end).split('\n\n').at(-1) ?? ''
  const count = (kind: string) => Number(new RegExp(`^ *(\\d+) ${kind}$`, 'm').exec(summary)?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') }
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
