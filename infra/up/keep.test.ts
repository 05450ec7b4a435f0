import { afterEach, expect, test } from 'bun:test'
import { devNull } from 'node:os'
import { launch } from '../parts/part.ts'
import { type Kept, keep } from './keep.ts'

let kept: Kept | undefined
afterEach(() => kept?.stop())

const start = () =>
  launch({
    name: 'sleeper',
    url: '',
    port: 0,
    command: ['sleep', '600'],
    log: devNull,
    ready: async () => true,
  })
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const until = async (holds: () => boolean) => {
  while (!holds()) await Bun.sleep(5)
}

test('whoever dies is started again, with one line when it dies and one when it is back', async () => {
  const said: string[] = []
  let changes = 0
  kept = await keep({ start, say: (text) => said.push(text), changed: () => changes++ })
  const { pid } = kept.current()
  process.kill(pid, 'SIGKILL')
  await until(() => changes === 1)
  expect(kept.current().pid).not.toBe(pid)
  expect(said).toEqual(['sleeper died, starting it again in 0.1 s', 'sleeper is back'])
})

test('who cannot start is tried again, less and less often', async () => {
  const said: string[] = []
  let failures = 0
  let changed = false
  const moody = async () => {
    if (failures > 0 && failures++ < 4) throw new Error('not now')
    return start()
  }
  kept = await keep({
    start: moody,
    say: (text) => said.push(text),
    changed: () => {
      changed = true
    },
  })
  failures = 1
  process.kill(kept.current().pid, 'SIGKILL')
  await until(() => changed)
  expect(said.filter((line) => line.includes('died')).map((line) => line.split(' in ')[1])).toEqual([
    '0.1 s',
    '0.2 s',
    '0.4 s',
    '0.8 s',
  ])
})

test('a restart that was asked for is no death', async () => {
  const said: string[] = []
  kept = await keep({ start, say: (text) => said.push(text), changed: () => undefined })
  const { pid } = kept.current()
  await kept.restart()
  expect(lives(pid)).toBe(false)
  expect(lives(kept.current().pid)).toBe(true)
  expect(said).toEqual([])
})

/** Starts that are counted, and that wait at a gate while `gate` holds one. */
const counted = () => {
  const counts = { pids: [] as number[], begun: 0, gate: Promise.resolve() }
  const startCounted = async () => {
    counts.begun++
    await counts.gate
    const part = await start()
    counts.pids.push(part.pid)
    return part
  }
  return { counts, start: startCounted, living: () => counts.pids.filter(lives) }
}
const quiet = { say: () => undefined, changed: () => undefined }

test('a restart of one that is dead takes the place of the start that it waits for', async () => {
  const { counts, start, living } = counted()
  const said: string[] = []
  kept = await keep({ ...quiet, start, say: (text) => said.push(text) })
  process.kill(kept.current().pid, 'SIGKILL')
  await until(() => said.length === 1)
  await kept.restart()
  // The pause after a first death has passed long before.
  await Bun.sleep(300)
  expect(counts.begun).toBe(2)
  expect(living()).toEqual([kept.current().pid])
})

test('a restart of one that is being started is that start', async () => {
  const { counts, start, living } = counted()
  kept = await keep({ ...quiet, start })
  const gate = Promise.withResolvers<void>()
  counts.gate = gate.promise
  process.kill(kept.current().pid, 'SIGKILL')
  await until(() => counts.begun === 2)
  const restarts = [kept.restart(), kept.restart()]
  gate.resolve()
  await Promise.all(restarts)
  expect(counts.begun).toBe(2)
  expect(living()).toEqual([kept.current().pid])
})

test('a restart that fails says why, and is tried again', async () => {
  let failures = 0
  const once = async () => {
    if (failures-- > 0) throw new Error('not now')
    return start()
  }
  let changes = 0
  kept = await keep({ ...quiet, start: once, changed: () => changes++ })
  failures = 1
  await expect(kept.restart()).rejects.toThrow('not now')
  await until(() => changes === 1)
  expect(lives(kept.current().pid)).toBe(true)
})

test.each(['death', 'restart'])('stopped is stopped, even during the start after a %s', async (cause) => {
  const { counts, start, living } = counted()
  kept = await keep({ ...quiet, start })
  const gate = Promise.withResolvers<void>()
  counts.gate = gate.promise
  const restarted = cause === 'restart' ? kept.restart() : undefined
  const outcome = restarted?.catch((error) => error.message)
  if (!restarted) process.kill(kept.current().pid, 'SIGKILL')
  await until(() => counts.begun === 2)
  const stopping = kept.stop()
  gate.resolve()
  await stopping
  expect(counts.pids).toHaveLength(2)
  expect(living()).toEqual([])
  expect(await outcome).toBe(restarted && 'sleeper was stopped')
})

test('a start that nobody wants any more is given up', async () => {
  let begun = 0
  const endless = (unwanted: AbortSignal) =>
    ++begun === 1
      ? start()
      : new Promise<never>((_, reject) => {
          unwanted.addEventListener('abort', () => reject(new Error('given up')))
        })
  kept = await keep({ ...quiet, start: endless })
  process.kill(kept.current().pid, 'SIGKILL')
  await until(() => begun === 2)
  await kept.stop()
  expect(begun).toBe(2)
})

test('what was stopped is not restarted', async () => {
  const { start, living } = counted()
  kept = await keep({ ...quiet, start })
  await kept.stop()
  await expect(kept.restart()).rejects.toThrow('sleeper was stopped')
  expect(living()).toEqual([])
})
