import exec from 'k6/execution'
import { Counter, Rate, Trend } from 'k6/metrics'
import { WebSocket } from 'k6/websockets'
import {
  base,
  createConversation,
  createMessage,
  createTicket,
  listMessages,
  register,
  type Session,
} from './http.ts'
import { arrivals, budgets, lastingSeconds } from './workloads.ts'

type Pair = { sender: Session; receiver: Session; conversationId: string }

const pairs = 25
const received = new Counter('messages_received')
const sentBySocket = new Counter('messages_sent_by_socket')
const reach = new Rate('messages_in_order')
const deliveryMs = new Trend('delivery_ms', true)

/** People write by REST and by socket, read back what was said, and their friends' sockets hear it. */
export const options = {
  scenarios: {
    writing: arrivals('writing'),
    reading: arrivals('reading', 1 / 10),
    listening: {
      executor: 'per-vu-iterations',
      exec: 'listening',
      vus: pairs,
      iterations: 1,
      maxDuration: `${lastingSeconds() + 30}s`,
    },
  },
  thresholds: {
    ...budgets({
      'http_req_duration{op:createMessage}': ['p(95)<=100'],
      'http_req_duration{op:listMessages}': ['p(95)<=70'],
    }),
    messages_received: ['count>0'],
    messages_sent_by_socket: ['count>0'],
    messages_in_order: ['rate==1'],
  },
}

export function setup(): Pair[] {
  return Array.from({ length: pairs }, () => {
    const [sender, receiver] = [register(), register()]
    return { sender, receiver, conversationId: createConversation(sender, receiver.user.id).id }
  })
}

export function writing(people: Pair[]) {
  const { sender, conversationId } = anyOf(people)
  createMessage(sender, conversationId, `sent at ${Date.now()}`)
}

export function reading(people: Pair[]) {
  const { receiver, conversationId } = anyOf(people)
  listMessages(receiver, conversationId)
}

/** One friend's socket for the whole run: hears every message in order, and answers one in ten by socket. */
export function listening(people: Pair[]) {
  const pair = people[exec.scenario.iterationInTest % people.length]
  if (!pair) return
  const { ticket } = createTicket(pair.receiver)
  const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/api/v1/ws?ticket=${ticket}`)
  let lastSeq = 0
  socket.onopen = () => socket.send(JSON.stringify({ type: 'hello' }))
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data))
    if (frame.type !== 'event' || frame.event.type !== 'message.created') return
    const { seq, text, senderId } = frame.event.data
    reach.add(seq > lastSeq)
    lastSeq = Math.max(lastSeq, seq)
    if (senderId === pair.receiver.user.id) return
    received.add(1)
    deliveryMs.add(Date.now() - Number(/\d+$/.exec(text)?.[0] ?? Date.now()))
    if (seq % 10 === 1) {
      const key = `${pair.conversationId}-${seq}`
      socket.send(
        JSON.stringify({
          type: 'send',
          ref: key,
          key,
          conversationId: pair.conversationId,
          text: 'heard you',
        }),
      )
      sentBySocket.add(1)
    }
  }
  const heartbeat = setInterval(() => socket.send(JSON.stringify({ type: 'ping' })), 30_000)
  setTimeout(
    () => {
      clearInterval(heartbeat)
      socket.close()
    },
    (lastingSeconds() + 2) * 1_000,
  )
}

const anyOf = (people: Pair[]): Pair => people[Math.floor(Math.random() * people.length)] as Pair
