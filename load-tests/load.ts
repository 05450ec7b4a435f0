/**
 * `bun run load [journey] [workload] [--url URL]`: runs k6 journeys against a Plaza that it brings itself, with the
 * gateway's limits out of the way, or against the one at the URL. Exits non-zero when a budget is exceeded.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { locate } from '@plaza/infra/tools'
import { k6 } from '@plaza/infra/tools/k6'
import { startPlaza } from '@plaza/tests/plaza'

export const journeys = ['register-and-login', 'send-and-receive'] as const
export const workloads = ['smoke', 'average', 'stress', 'spike', 'soak'] as const

const usage = `bun run load [journey] [workload] [--url URL]
  journeys:  ${journeys.join(', ')} (default: all)
  workloads: ${workloads.join(', ')} (default: smoke)`

/** Runs one journey; answers k6's exit code, which is 99 when a threshold was crossed. */
export async function runJourney(journey: string, workload: string, url: string): Promise<number> {
  const program = await locate(k6, (text) => console.log(`… k6: ${text}`))
  const child = Bun.spawn([program, 'run', '--quiet', join(import.meta.dir, 'k6', `${journey}.ts`)], {
    env: { ...process.env, PLAZA_URL: url, WORKLOAD: workload, K6_NO_USAGE_REPORT: 'true' },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  return await child.exited
}

async function runAsked(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { url: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  })
  const unknown = positionals.find((word) => ![...journeys, ...workloads].some((known) => known === word))
  if (values.help || unknown) {
    console.log(unknown ? `there is no "${unknown}"\n${usage}` : usage)
    return unknown ? 2 : 0
  }
  const workload = workloads.find((name) => positionals.includes(name)) ?? 'smoke'
  const named = journeys.filter((name) => positionals.includes(name))
  const plaza = values.url ? undefined : await startPlaza()
  try {
    let worst = 0
    for (const journey of named.length > 0 ? named : journeys) {
      console.log(`\n${journey}, ${workload}`)
      worst = Math.max(worst, await runJourney(journey, workload, values.url ?? plaza?.url ?? ''))
    }
    return worst
  } finally {
    await plaza?.stop()
  }
}

if (import.meta.main) process.exit(await runAsked())
