import { expect, test } from 'bun:test'
import { createBatcher } from './batch.ts'
import { isProblem } from './problem.ts'

const outcomes = (promises: Promise<unknown>[]) =>
  Promise.all(promises.map((promise) => promise.catch((error: unknown) => error)))

test('jobs of one turn share a batch, each gets its own answer', async () => {
  const batches: number[][] = []
  const batcher = createBatcher<number, number>({
    async run(jobs) {
      batches.push(jobs)
      return jobs.map((job) => (job === 2 ? new Error('not two') : job * 10))
    },
  })
  const results = await outcomes([1, 2, 3].map((job) => batcher.add(job)))
  expect(results).toEqual([10, new Error('not two'), 30])
  expect(batches).toEqual([[1, 2, 3]])
})

test('no batch is larger, and no more are in flight, than allowed', async () => {
  let inFlight = 0
  let most = 0
  const sizes: number[] = []
  const batcher = createBatcher<number, number>({
    maxBatch: 10,
    maxInFlight: 2,
    async run(jobs) {
      sizes.push(jobs.length)
      inFlight += 1
      most = Math.max(most, inFlight)
      await Bun.sleep(1)
      inFlight -= 1
      return jobs
    },
  })
  const jobs = Array.from({ length: 95 }, (_, job) => job)
  expect(await Promise.all(jobs.map((job) => batcher.add(job)))).toEqual(jobs)
  expect(Math.max(...sizes)).toBe(10)
  expect(most).toBe(2)
})

test('no batch is larger than it may be, but for one job, and the jobs of one key keep their order', async () => {
  const batches: string[][] = []
  const batcher = createBatcher<string, string>({
    sizeOf: (job) => job.length,
    keyOf: () => 'all',
    maxBatchSize: 6,
    async run(jobs) {
      batches.push(jobs)
      return jobs
    },
  })
  const jobs = ['aaa', 'bbb', 'cccc', 'ddd', 'e', 'much too large', 'f']
  expect(await Promise.all(jobs.map((job) => batcher.add(job)))).toEqual(jobs)
  expect(batches).toEqual([['aaa', 'bbb'], ['cccc'], ['ddd', 'e'], ['much too large'], ['f']])
})

test('while much waits, though it be few jobs, more is refused; what has begun makes room', async () => {
  const gate = Promise.withResolvers<void>()
  const batcher = createBatcher<string, string>({
    sizeOf: (job) => job.length,
    maxInFlight: 1,
    maxWaitingSize: 10,
    async run(jobs) {
      await gate.promise
      return jobs
    },
  })
  const large = 'more than may wait'
  const first = batcher.add(large)
  expect(isProblem(await batcher.add('x').catch((error: unknown) => error), 'overloaded')).toBe(true)
  // The first batch begins.
  await Bun.sleep(0)
  const second = batcher.add(large)
  expect(isProblem(await batcher.add('x').catch((error: unknown) => error), 'overloaded')).toBe(true)
  gate.resolve()
  expect(await Promise.all([first, second])).toEqual([large, large])
  expect(await batcher.add('x')).toBe('x')
})

test('a batch that fails is halved until the job at fault is alone', async () => {
  const batcher = createBatcher<number, number>({
    async run(jobs) {
      if (jobs.includes(13)) throw new Error('unlucky')
      return jobs
    },
  })
  const jobs = Array.from({ length: 50 }, (_, job) => job)
  const results = await outcomes(jobs.map((job) => batcher.add(job)))
  expect(results.filter((result) => result instanceof Error)).toEqual([new Error('unlucky')])
  expect(results[13]).toEqual(new Error('unlucky'))
  expect(results[14]).toBe(14)
})

test('an error that says nothing about the jobs has the same batch run again', async () => {
  const batches: number[][] = []
  const batcher = createBatcher<number, number>({
    isTransient: () => true,
    retryMs: 5_000,
    async run(jobs) {
      batches.push(jobs)
      if (batches.length < 3) throw new Error('connection lost')
      return jobs
    },
  })
  expect(await Promise.all([batcher.add(1), batcher.add(2)])).toEqual([1, 2])
  expect(batches).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ])
})

test('an outage that lasts is told to every job of the batch, without halving it', async () => {
  let runs = 0
  const batcher = createBatcher<number, number>({
    async run() {
      runs += 1
      throw Object.assign(new Error('could not extend file'), { code: '53100' })
    },
  })
  const results = await outcomes([1, 2, 3].map((job) => batcher.add(job)))
  expect(results.every((result) => result instanceof Error)).toBe(true)
  expect(runs).toBe(1)
})

test('what would wait beyond the bound is refused as unavailable, and later jobs pass', async () => {
  const gate = Promise.withResolvers<void>()
  const batcher = createBatcher<number, number>({
    maxWaiting: 2,
    maxInFlight: 1,
    async run(jobs) {
      await gate.promise
      return jobs
    },
  })
  const running = batcher.add(0)
  await new Promise(setImmediate)
  const waiting = [batcher.add(1), batcher.add(2)]
  const [refused] = await outcomes([batcher.add(3)])
  expect(isProblem(refused, 'overloaded')).toBe(true)
  gate.resolve()
  expect(await Promise.all([running, ...waiting])).toEqual([0, 1, 2])
  await batcher.idle()
  expect(await batcher.add(4)).toBe(4)
})

test('jobs of one key never overtake each other, and others do not wait for them', async () => {
  const gate = Promise.withResolvers<string>()
  const ended: string[] = []
  const batcher = createBatcher<string, string>({
    keyOf: (job) => job.charAt(0),
    async run(jobs) {
      if (jobs.includes('a1')) await gate.promise
      ended.push(...jobs)
      return jobs
    },
  })
  const held = batcher.add('a1')
  await new Promise(setImmediate)
  const next = batcher.add('a2')
  expect(await batcher.add('b1')).toBe('b1')
  gate.resolve('')
  expect(await Promise.all([held, next])).toEqual(['a1', 'a2'])
  expect(ended).toEqual(['b1', 'a1', 'a2'])
})

test('a job that is put off leaves its batch, keeps its place before others of its key, and is waited for', async () => {
  const gate = Promise.withResolvers<string>()
  const batches: string[][] = []
  const batcher = createBatcher<string, string>({
    maxInFlight: 1,
    keyOf: (job) => job.charAt(0),
    async run(jobs) {
      batches.push(jobs)
      return jobs.map((job) => (job === 'a1' ? gate.promise : job))
    },
  })
  const held = batcher.add('a1')
  expect(await batcher.add('b1')).toBe('b1')
  const next = batcher.add('a2')
  expect(await batcher.add('b2')).toBe('b2')
  let idle = false
  const waiting = batcher.idle().then(() => {
    idle = true
  })
  expect(idle).toBe(false)
  gate.resolve('late')
  expect(await Promise.all([held, next])).toEqual(['late', 'a2'])
  await waiting
  expect(batches).toEqual([['a1', 'b1'], ['b2'], ['a2']])
})

test('who sends alone never waits, and many in a row gather while batches take their time', async () => {
  const sizes: number[] = []
  const batcher = createBatcher<number, number>({
    maxInFlight: 1_000,
    async run(jobs) {
      sizes.push(jobs.length)
      await Bun.sleep(10)
      return jobs
    },
  })
  for (let job = 0; job < 20; job += 1) {
    const answer = batcher.add(job)
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
    expect(sizes).toHaveLength(job + 1)
    await answer
  }
  for (let turn = 0; turn < 200; turn += 1) {
    void batcher.add(turn)
    await new Promise(setImmediate)
  }
  await batcher.idle()
  expect(sizes.length).toBeLessThan(120)
})
