import { expect, test } from 'bun:test'
import { devNull } from 'node:os'
import { launch } from './part.ts'

const sleeper = { name: 'sleeper', url: '', port: 0, command: ['sleep', '600'], log: devNull }

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

test('the reason is what it said on standard error, whatever came after that on the other', async () => {
  const failing = launch({
    name: 'speaker',
    url: '',
    port: 0,
    command: ['sh', '-c', 'echo the reason >&2; sleep 0.1; echo last; exit 1'],
    log: () => undefined,
    ready: async () => false,
  })
  await expect(failing).rejects.toThrow('speaker did not start: the reason')
})

test('who is at work is waited for beyond the patience, and given up a patience after it', async () => {
  const askedAt: number[] = []
  const launched = launch({
    ...sleeper,
    ready: async () => false,
    patienceSeconds: 0.4,
    atWork: async () => askedAt.push(Date.now()) <= 8,
  })
  await expect(launched).rejects.toThrow('sleeper was not ready after ')
  expect(askedAt.length).toBeGreaterThan(8)
})

test('who was at work is ready in the end', async () => {
  let asked = 0
  const part = await launch({
    ...sleeper,
    ready: async () => asked > 8,
    patienceSeconds: 0.2,
    atWork: async () => asked++ >= 0,
  })
  await part.stop()
  expect(asked).toBe(9)
})

test('a start that nobody wants any more ends with its process', async () => {
  const unwanted = new AbortController()
  let asked = false
  const launched = launch({
    ...sleeper,
    ready: async () => {
      asked = true
      return false
    },
    unwanted: unwanted.signal,
  })
  while (!asked) await Bun.sleep(5)
  unwanted.abort()
  await expect(launched).rejects.toThrow('sleeper was stopped before it was ready')
})
