/**
 * Load generator, a process of its own: requests leave at a steady rate, whether the ones before are answered or
 * not, and each one's time counts from when it was due. (autocannon's rates are bursts at the start of each second.)
 */
import { quantiles } from './quantiles.ts'

export type SteadyPlan = {
  url: string
  senders: { path: string; token: string; body: string }[]
  perSecond: number
  seconds: number
}
export type SteadyFigures = { perSecond: number; p50: number; p99: number; failed: number }

/** The first seconds open connections, and count for nothing. */
const warmUpMs = 3_000

async function sendSteadily({ url, senders, perSecond, seconds }: SteadyPlan): Promise<SteadyFigures> {
  const latencies: number[] = []
  const underWay = new Set<Promise<void>>()
  let failed = 0
  const startedAt = performance.now()
  const send = async (index: number) => {
    const { path, token, body } = senders[index % senders.length] ?? { path: '', token: '', body: '' }
    const dueAt = startedAt + (index / perSecond) * 1_000
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        'idempotency-key': crypto.randomUUID(),
      },
      body,
    })
    await answer.arrayBuffer()
    if (!answer.ok) failed += 1
    else if (dueAt - startedAt > warmUpMs) latencies.push(performance.now() - dueAt)
  }
  let sent = 0
  while (performance.now() - startedAt < warmUpMs + seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond)
    for (; sent < due; sent += 1) {
      const sending = send(sent)
        .catch(() => {
          failed += 1
        })
        .finally(() => underWay.delete(sending))
      underWay.add(sending)
    }
    await Bun.sleep(1)
  }
  await Promise.all(underWay)
  return { perSecond: latencies.length / seconds, ...quantiles(latencies), failed }
}

console.log(JSON.stringify(await sendSteadily(await Bun.stdin.json())))
process.exit(0)
