import { join } from 'node:path'

/** Runs a load generator of this folder to its end, gives it its plan, and answers the figures it prints. */
export async function generate<Plan, Figures>(file: string, plan: Plan): Promise<Figures> {
  const child = Bun.spawn([process.execPath, '--no-orphans', join(import.meta.dir, file)], {
    stdin: new Blob([JSON.stringify(plan)]),
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const printed = await child.stdout.text()
  if ((await child.exited) !== 0) throw new Error(`${file} failed`)
  return JSON.parse(printed) as Figures
}

/** A child that goes on: each line it is told is answered by a line. */
export function converse(file: string, env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, '--no-orphans', join(import.meta.dir, file)], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
    env: { ...process.env, ...env },
  })
  const lines = linesOf(child.stdout)
  return {
    pid: child.pid,
    async ask<Answer>(command: unknown): Promise<Answer> {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      child.stdin.flush()
      return await this.next<Answer>()
    },
    async next<Answer>(): Promise<Answer> {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${file} ended early`)
      return JSON.parse(value) as Answer
    },
    end: () => child.kill(),
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}
