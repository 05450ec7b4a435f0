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
  /** At the beginning: these sends have to arrive, but their times do not count. */
  warmUpSeconds: number
}
export type DeliverFigures = { sent: number; received: number; p50: number; p99: number }

async function deliver({ pairs, perSecond, seconds, warmUpSeconds }: DeliverPlan): Promise<DeliverFigures> {
  const deliveries: { sentAt: number; ms: number }[] = []
  const open = async (url: string) => (await openSocket(url)).socket
  const senders = await Promise.all(pairs.map(({ sender }) => open(sender)))
  const receivers = await Promise.all(pairs.map(({ receiver }) => open(receiver)))
  for (const receiver of receivers) {
    receiver.onmessage = ({ data }) => {
      const sentAt = /"text":"sent at ([\d.]+)"/.exec(data)?.[1]
      if (sentAt) deliveries.push({ sentAt: Number(sentAt), ms: performance.now() - Number(sentAt) })
    }
  }
  let sent = 0
  const startedAt = performance.now()
  const countFrom = startedAt + warmUpSeconds * 1_000
  while (performance.now() < countFrom + seconds * 1_000) {
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
  for (let waited = 0; deliveries.length < sent && waited < 5_000; waited += 50) await Bun.sleep(50)
  const counted = deliveries.filter(({ sentAt }) => sentAt >= countFrom).map(({ ms }) => ms)
  return { sent, received: deliveries.length, ...quantiles(counted) }
}

console.log(JSON.stringify(await deliver(await Bun.stdin.json())))
process.exit(0)
