import { heapStats } from 'bun:jsc'
import { expect, test } from 'bun:test'
import { every, pause } from './every.ts'
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

test('work that has more and more to do ends with the stop', async () => {
  let steps = 0
  const stop = every(1, createLog('silent'), async (signal) => {
    while (!signal.aborted) {
      steps += 1
      await Bun.sleep(1)
    }
  })
  await eventually(() => expect(steps).toBeGreaterThan(3))
  await stop()
})

test('a wait leaves nothing behind, however many there are', async () => {
  const { signal } = new AbortController()
  const wait = async (times: number) => {
    for (let time = 0; time < times; time += 100)
      await Promise.all(Array.from({ length: 100 }, () => pause(0, signal)))
    Bun.gc(true)
    return heapStats().objectCount
  }
  const before = await wait(100)
  expect((await wait(5_000)) - before).toBeLessThan(2_500)
})

test('a wait ends with its signal', async () => {
  const stopping = new AbortController()
  const waiting = pause(600_000, stopping.signal)
  stopping.abort()
  await waiting
  await pause(600_000, stopping.signal)
})
