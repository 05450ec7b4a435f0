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

test('stopped is stopped, even while it is being started again', async () => {
  const started: number[] = []
  const gate = Promise.withResolvers<void>()
  let reached = false
  const slow = async () => {
    reached = started.length > 0
    if (reached) await gate.promise
    const part = await start()
    started.push(part.pid)
    return part
  }
  kept = await keep({ start: slow, say: () => undefined, changed: () => undefined })
  process.kill(kept.current().pid, 'SIGKILL')
  await until(() => reached)
  const stopping = kept.stop()
  gate.resolve()
  await stopping
  expect(started).toHaveLength(2)
  expect(started.map(lives)).toEqual([false, false])
})

test('a process that ends at once says why it did not start', async () => {
  const failing = launch({
    name: 'speaker',
    url: '',
    port: 0,
    command: ['sh', '-c', 'echo first; echo the reason >&2; exit 1'],
    log: () => undefined,
    ready: async () => false,
  })
  await expect(failing).rejects.toThrow('speaker did not start: the reason')
})
