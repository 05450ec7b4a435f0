/** How many people do it, apart from what they do. A journey asks for a workload by the name in WORKLOAD. */
type Stage = { target: number; duration: string }

const shapes: Record<string, { start: number; stages: Stage[]; maxVUs?: number }> = {
  smoke: { start: 2, stages: [{ target: 2, duration: '10s' }] },
  average: { start: 200, stages: [{ target: 200, duration: '60s' }] },
  stress: {
    start: 200,
    stages: [200, 400, 800, 1200].flatMap((target) => [
      { target, duration: '10s' },
      { target, duration: '30s' },
    ]),
  },
  spike: {
    start: 100,
    stages: [
      { target: 100, duration: '20s' },
      { target: 1500, duration: '2s' },
      { target: 1500, duration: '15s' },
      { target: 100, duration: '2s' },
      { target: 100, duration: '30s' },
    ],
  },
  // Virtual users that come late have to log in first; in a crowd of them a short pause would become a long one.
  soak: { start: 150, stages: [{ target: 150, duration: '60m' }], maxVUs: 100 },
}

export const workload = __ENV.WORKLOAD || 'smoke'

/** Runs a function so many times a second, whatever the answers take; `share` is its part of the workload's rate. */
export function arrivals(exec: string, share = 1) {
  const shape = shapes[workload]
  if (!shape) throw new Error(`WORKLOAD is one of ${Object.keys(shapes).join(', ')}`)
  const scale = (rate: number) => Math.max(1, Math.round(rate * share))
  return {
    executor: 'ramping-arrival-rate',
    exec,
    startRate: scale(shape.start),
    timeUnit: '1s',
    preAllocatedVUs: 50,
    maxVUs: shape.maxVUs ?? 500,
    stages: shape.stages.map(({ target, duration }) => ({ target: scale(target), duration })),
  }
}

/** How long the workload lasts, in seconds, for what goes on beside the arrivals. */
export function lastingSeconds(): number {
  const units: Record<string, number> = { s: 1, m: 60 }
  const stages = shapes[workload]?.stages ?? []
  return stages.reduce(
    (sum, { duration }) => sum + Number.parseInt(duration, 10) * (units[duration.slice(-1)] ?? 1),
    0,
  )
}

/** Budgets of response times count where the load is the one they are meant for; correctness counts everywhere. */
export const budgets = (times: Record<string, string[]>) => ({
  checks: ['rate==1'],
  http_req_failed: [`rate<=0.00025`],
  ...(workload === 'average' ? times : {}),
})
