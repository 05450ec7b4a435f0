import { afterAll, expect, test } from 'bun:test'
import { startPlaza } from '@plaza/tests/plaza'
import { runJourney } from './load.ts'

// k6 itself is fetched or built once by Go; where neither is to be had there is nothing to run.
const canRun = Boolean(Bun.which('k6') ?? Bun.which('go'))
if (!canRun) console.log('skipped: k6 journeys need k6 or Go on PATH')

const plaza = canRun ? await startPlaza() : undefined
afterAll(() => plaza?.stop(), 60_000)

/** Smoke asks for correct answers only: no threshold of it is a time. */
test.skipIf(!canRun).each(['register-and-login', 'send-and-receive'])(
  'the k6 journey %s keeps its promises',
  async (journey) => {
    expect(await runJourney(journey, 'smoke', plaza?.url ?? '')).toBe(0)
  },
  600_000,
)
