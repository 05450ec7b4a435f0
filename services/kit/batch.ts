import { Problem } from './problem.ts'

type Options<Job, Result> = {
  /** Does all jobs at once and answers in their order. A job may be refused alone by answering an Error in its place. */
  run(jobs: Job[]): Promise<(Result | Error)[]>
  maxBatch?: number
  maxInFlight?: number
  /** Waits so long for company before a batch begins; by default only for the jobs of the same turn of the event loop. */
  gatherMs?: number
  /** Jobs beyond this many waiting are refused with `unavailable`. */
  maxWaiting?: number
  /** Errors that say nothing about the jobs: the same batch is run again until `retryMs` have passed. */
  isTransient?(error: unknown): boolean
  retryMs?: number
}

export type Batcher<Job, Result> = {
  add(job: Job): Promise<Result>
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
}

type Waiting<Job, Result> = { job: Job; resolve(result: Result): void; reject(error: unknown): void }

/**
 * Gathers the jobs of one turn of the event loop into batches, so that many callers share one round
 * trip. A batch that fails is halved until the job at fault is alone; the others are not disturbed.
 */
export function createBatcher<Job, Result>(options: Options<Job, Result>): Batcher<Job, Result> {
  const { maxBatch = 200, maxInFlight = 2, maxWaiting = 10_000, gatherMs } = options
  const queue: Waiting<Job, Result>[] = []
  const idlers: (() => void)[] = []
  let inFlight = 0
  let scheduled = false

  const flush = () => {
    scheduled = false
    while (inFlight < maxInFlight && queue.length > 0) void runBatch(queue.splice(0, maxBatch))
  }
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    if (gatherMs === undefined) setImmediate(flush)
    else setTimeout(flush, gatherMs)
  }
  const runBatch = async (batch: Waiting<Job, Result>[]) => {
    inFlight += 1
    await settle(batch, options)
    inFlight -= 1
    if (queue.length > 0) schedule()
    else if (inFlight === 0) for (const wake of idlers.splice(0)) wake()
  }

  return {
    add: (job) =>
      new Promise((resolve, reject) => {
        if (queue.length >= maxWaiting) {
          reject(
            new Problem('unavailable', 'Too much work is waiting', {
              reason: 'overloaded',
              retryAfterSeconds: 1,
            }),
          )
          return
        }
        queue.push({ job, resolve, reject })
        if (inFlight < maxInFlight) schedule()
      }),
    idle: () =>
      new Promise((resolve) => {
        if (queue.length === 0 && inFlight === 0) resolve()
        else idlers.push(resolve)
      }),
  }
}

async function settle<Job, Result>(
  batch: Waiting<Job, Result>[],
  options: Options<Job, Result>,
): Promise<void> {
  try {
    const results = await runWithRetry(
      batch.map(({ job }) => job),
      options,
    )
    batch.forEach(({ resolve, reject }, index) => {
      const result = results[index]
      if (result instanceof Error || result === undefined)
        reject(result ?? new Error('the batch gave no result'))
      else resolve(result)
    })
  } catch (error) {
    const [only] = batch
    if (batch.length === 1 || options.isTransient?.(error)) {
      for (const { reject } of only ? batch : []) reject(error)
      return
    }
    const middle = batch.length >> 1
    await settle(batch.slice(0, middle), options)
    await settle(batch.slice(middle), options)
  }
}

async function runWithRetry<Job, Result>(jobs: Job[], options: Options<Job, Result>) {
  const deadline = performance.now() + (options.retryMs ?? 0)
  for (let pause = 50; ; pause = Math.min(pause * 2, 1_000)) {
    try {
      return await options.run(jobs)
    } catch (error) {
      if (!options.isTransient?.(error) || performance.now() + pause > deadline) throw error
      await Bun.sleep(pause)
    }
  }
}
