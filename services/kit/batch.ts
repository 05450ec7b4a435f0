import { Problem } from './problem.ts'
import { isConnectionError, isOutage } from './sql.ts'
import { runForNobody } from './trace.ts'

type Options<Job, Result> = {
  /**
   * Does all jobs at once and answers in their order. A job may be refused alone by answering an Error in its
   * place, or put off by answering a promise: then the batch is over without it.
   */
  run(jobs: Job[]): Promise<(Result | Error | Promise<Result>)[]>
  /** Jobs of one key keep their order: none of them begins a batch while another is in one, or put off. */
  keyOf?(job: Job): string
  /** How large a job is, in whatever unit; without it only their number counts. */
  sizeOf?(job: Job): number
  maxBatch?: number
  /** A batch is no larger, but for a single job. */
  maxBatchSize?: number
  maxInFlight?: number
  /**
   * Waits so long for company before a batch begins; by default only for the jobs of the same turn of the event loop,
   * and under load for those of the time that two batches take.
   */
  gatherMs?: number
  /** Jobs beyond this many waiting are refused with `unavailable`. */
  maxWaiting?: number
  /** So are those that come while as much waits. */
  maxWaitingSize?: number
  /** Errors that pass soon, by default those of a lost connection: the same batch is run again until `retryMs` have passed. */
  isTransient?(error: unknown): boolean
  retryMs?: number
}

export type Batcher<Job, Result> = {
  add(job: Job): Promise<Result>
  /** Resolves when every job has its answer. */
  idle(): Promise<void>
}

type Waiting<Job, Result> = {
  job: Job
  resolve(result: Result | Promise<Result>): void
  reject(error: unknown): void
}

/**
 * Gathers the jobs of one turn of the event loop into batches, so that many callers share one round
 * trip. A batch that fails is halved until the job at fault is alone; the others are not disturbed. A Problem
 * that is thrown answers them all.
 */
export function createBatcher<Job, Result>(options: Options<Job, Result>): Batcher<Job, Result> {
  const { maxBatch = 200, maxInFlight = 2, maxWaiting = 10_000, gatherMs, keyOf } = options
  const { sizeOf = () => 0, maxBatchSize = Infinity, maxWaitingSize = Infinity } = options
  let queue: Waiting<Job, Result>[] = []
  let queueSize = 0
  const idlers: (() => void)[] = []
  /** How many jobs of a key have begun and have no answer yet. */
  const begun = new Map<string, number>()
  const pace = createPace()
  let open = 0
  let inFlight = 0
  let scheduled = false

  const take = (): Waiting<Job, Result>[] => {
    const batch: Waiting<Job, Result>[] = []
    const left: Waiting<Job, Result>[] = []
    let size = 0
    let full = false
    for (const waiting of queue) {
      const isHeld = keyOf && begun.has(keyOf(waiting.job))
      const own = sizeOf(waiting.job)
      // Once full it stays so: a smaller job could overtake a larger one of its key.
      if (!isHeld) full ||= batch.length >= maxBatch || (batch.length > 0 && size + own > maxBatchSize)
      if (isHeld || full) left.push(waiting)
      else {
        batch.push(waiting)
        size += own
      }
    }
    if (keyOf) for (const { job } of batch) begun.set(keyOf(job), (begun.get(keyOf(job)) ?? 0) + 1)
    queue = left
    queueSize -= size
    return batch
  }
  const flush = () => {
    scheduled = false
    while (inFlight < maxInFlight) {
      const batch = take()
      if (batch.length === 0) break
      void runForNobody(() => runBatch(batch))
    }
  }
  const schedule = () => {
    if (scheduled || inFlight >= maxInFlight || queue.length === 0) return
    scheduled = true
    const waitMs = gatherMs ?? pace.waitMs()
    if (waitMs > 0) setTimeout(flush, waitMs)
    else setImmediate(flush)
  }
  const runBatch = async (batch: Waiting<Job, Result>[]) => {
    inFlight += 1
    const ended = pace.begin()
    await settle(batch, options)
    ended()
    inFlight -= 1
    schedule()
  }
  const end = (job: Job) => {
    open -= 1
    if (keyOf) {
      const key = keyOf(job)
      const left = (begun.get(key) ?? 1) - 1
      if (left > 0) begun.set(key, left)
      else begun.delete(key)
      schedule()
    }
    if (open === 0) for (const wake of idlers.splice(0)) wake()
  }

  return {
    add(job) {
      if (queue.length >= maxWaiting || queueSize >= maxWaitingSize) return Promise.reject(overloaded())
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      if (open > 0) pace.noteCompany()
      open += 1
      queue.push({ job, resolve, reject })
      queueSize += sizeOf(job)
      schedule()
      promise.then(
        () => end(job),
        () => end(job),
      )
      return promise
    },
    idle: () => (open === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  }
}

const longestWaitMs = 5

/** Whoever sends alone, each job after the answer to the last, is not kept waiting for others. */
const companyMs = 100

/**
 * Paces batches by how long they take, for one costs much by itself however few jobs it holds: after a rest the first
 * begins at once, and those that follow keep a distance in which company gathers, if there is any.
 */
function createPace() {
  let begunAt = Number.NEGATIVE_INFINITY
  let companyAt = Number.NEGATIVE_INFINITY
  let usualMs = 0
  return {
    noteCompany() {
      companyAt = performance.now()
    },
    waitMs() {
      const now = performance.now()
      return now - companyAt > companyMs ? 0 : Math.min(2 * usualMs, longestWaitMs) - (now - begunAt)
    },
    begin() {
      const startedAt = performance.now()
      begunAt = startedAt
      return () => {
        usualMs += (performance.now() - startedAt - usualMs) / 10
      }
    },
  }
}

const overloaded = () =>
  new Problem('unavailable', 'Too much work is waiting', { reason: 'overloaded', retryAfterSeconds: 1 })

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
    const isAboutJobs = !(error instanceof Problem || isOutage(error) || isTransient(error, options))
    if (batch.length <= 1 || !isAboutJobs) {
      for (const { reject } of batch) reject(error)
      return
    }
    const middle = batch.length >> 1
    await settle(batch.slice(0, middle), options)
    await settle(batch.slice(middle), options)
  }
}

const isTransient = <Job, Result>(error: unknown, options: Options<Job, Result>): boolean =>
  (options.isTransient ?? isConnectionError)(error)

async function runWithRetry<Job, Result>(jobs: Job[], options: Options<Job, Result>) {
  const deadline = performance.now() + (options.retryMs ?? 0)
  for (let pause = 50; ; pause = Math.min(pause * 2, 1_000)) {
    try {
      return await options.run(jobs)
    } catch (error) {
      if (!isTransient(error, options) || performance.now() + pause > deadline) throw error
      await Bun.sleep(pause)
    }
  }
}
