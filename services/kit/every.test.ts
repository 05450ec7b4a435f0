import { expect, test } from 'bun:test'
import { every } from './every.ts'
import { createLog } from './log.ts'
import { eventually } from './testing.ts'

test('a failure that goes on is told once, and once more when it is over', async () => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line).msg) })
  let runs = 0
  const stop = every(1, log, async () => {
    runs += 1
    if (runs <= 5) throw new Error('it is away')
  })
  await eventually(() => expect(runs).toBeGreaterThan(7))
  await stop()
  expect(lines).toEqual(['a periodic job failed; it runs again', 'a periodic job works again'])
})
