/**
 * Load generator, a process of its own: people send at a steady rate, and the time is taken until the
 * message stands on the other person's socket. Both ends are in this process, so one clock measures.
 */
import { quantiles } from './quantiles.ts'
import { openSocket } from './socket.ts'

export type DeliverPlan = {
  pairs: { sender: string; receiver: string; conversationId: string }[]
  perSecond: number
  seconds: number
}
export type DeliverFigures = { sent: number; received: number; p50: number; p99: number }

async function deliver({ pairs, perSecond, seconds }: DeliverPlan): Promise<DeliverFigures> {
  const latencies: number[] = []
  const open = async (url: string) => (await openSocket(url)).socket
  const senders = await Promise.all(pairs.map(({ sender }) => open(sender)))
  const receivers = await Promise.all(pairs.map(({ receiver }) => open(receiver)))
  for (const receiver of receivers) {
    receiver.onmessage = ({ data }) => {
      const sentAt = /"text":"sent at ([\d.]+)"/.exec(data)?.[1]
      if (sentAt) latencies.push(performance.now() - Number(sentAt))
    }
  }
  let sent = 0
  const startedAt = performance.now()
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond)
    for (; sent < due; sent += 1) {
      const index = sent % pairs.length
      const frame = {
        type: 'send',
        ref: String(sent),
        key: crypto.randomUUID(),
        conversationId: pairs[index]?.conversationId,
      }
      senders[index]?.send(JSON.stringify({ ...frame, text: `sent at ${performance.now()}` }))
    }
    await Bun.sleep(1)
  }
  for (let waited = 0; latencies.length < sent && waited < 5_000; waited += 50) await Bun.sleep(50)
  return { sent, received: latencies.length, ...quantiles(latencies) }
}

console.log(JSON.stringify(await deliver(await Bun.stdin.json())))
process.exit(0)
