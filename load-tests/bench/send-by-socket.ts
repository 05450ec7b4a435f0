/**
 * Load generator, a process of its own: each sender sends as soon as its last send was answered.
 * The plan comes as JSON on standard input; one line of JSON with the figures goes out.
 */
import { quantiles } from './quantiles.ts'
import { openSocket } from './socket.ts'

export type SendPlan = {
  /** Where each sender connects, and the conversation it sends to. */
  senders: { url: string; conversationId: string }[]
  seconds: number
}
export type SendFigures = { perSecond: number; sent: number; p50: number; p99: number; failed: number }

const text = 'A message of an ordinary length, as people write them to each other.'

async function sendInTurn({ senders, seconds }: SendPlan): Promise<SendFigures> {
  const latencies: number[] = []
  let failed = 0
  let running = true
  const sockets = (await Promise.all(senders.map(({ url }) => openSocket(url)))).map(({ socket }) => socket)
  const startedAt = performance.now()
  sockets.forEach((socket, index) => {
    const conversationId = senders[index]?.conversationId
    let sentAt = 0
    let ref = 0
    const send = () => {
      sentAt = performance.now()
      ref += 1
      socket.send(
        JSON.stringify({ type: 'send', ref: String(ref), key: crypto.randomUUID(), conversationId, text }),
      )
    }
    socket.onmessage = ({ data }) => {
      const answered = data.startsWith('{"type":"sent"')
      if (!answered && !data.startsWith('{"type":"error"')) return
      if (answered) latencies.push(performance.now() - sentAt)
      else failed += 1
      if (running) send()
    }
    send()
  })
  await Bun.sleep(seconds * 1_000)
  running = false
  const [sent, elapsed] = [latencies.length, (performance.now() - startedAt) / 1_000]
  await Bun.sleep(500)
  for (const socket of sockets) socket.close()
  return { perSecond: sent / elapsed, sent, ...quantiles(latencies), failed }
}

console.log(JSON.stringify(await sendInTurn(await Bun.stdin.json())))
process.exit(0)
