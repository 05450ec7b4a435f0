import type { Letter } from './appender.ts'
import type { WakeUp } from './wake-up.ts'
import { readNodes } from './where.ts'

/** Where a user's frames came to stand, and the nodes at which the user is connected. */
export type Appended = { nodes: string[]; runs: WakeUp[] }

/** Reads the append script's answer for one user; empty when nobody is there to be told. */
export function toAppended([userId, frames]: Letter, answer: string): Appended[] {
  const [epoch = '', places = '', ...registry] = answer.split('\n')
  const nodes = readNodes(registry)
  if (nodes.length === 0) return []
  const numbers = places.split(',').map(Number)
  const placed = frames.map(({ text }, index) => ({ n: numbers[index] ?? 0, text }))
  return [{ nodes, runs: toRuns(placed).map((run) => ({ userId, epoch, ...run })) }]
}

const runChars = 128 << 10

/** Texts that follow each other without a hole, in parts that fit a message. */
function toRuns(placed: { n: number; text: string }[]): { first: number; texts: string[] }[] {
  const runs: { first: number; texts: string[] }[] = []
  let next = -1
  let chars = 0
  for (const { n, text } of placed) {
    const run = runs.at(-1)
    chars += text.length
    if (run && n === next && chars <= runChars) run.texts.push(text)
    else {
      runs.push({ first: n, texts: [text] })
      chars = text.length
    }
    next = n + 1
  }
  return runs
}
