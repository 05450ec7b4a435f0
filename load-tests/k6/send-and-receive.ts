import exec from 'k6/execution'
import { Counter, Rate, Trend } from 'k6/metrics'
import { WebSocket } from 'k6/websockets'
import {
  base,
  createConversation,
  createMessage,
  createTicket,
  listMessages,
  login,
  refresh,
  register,
  type Session,
} from './http.ts'
import { arrivals, budgets, lastingSeconds } from './workloads.ts'

type Pair = { sender: Session; receiver: Session; conversationId: string }
type People = { pairs: Pair[]; since: number }

const pairCount = 25
/** An access token lasts 15 minutes; those of all virtual users are not renewed at once. */
const renewMs = (5 + 8 * Math.random()) * 60_000
const received = new Counter('messages_received')
const sentBySocket = new Counter('messages_sent_by_socket')
const complete = new Rate('sockets_complete')
const deliveryMs = new Trend('delivery_ms', true)

/** People write by REST and by socket, read back what was said, and their friends' sockets hear it. */
export const options = {
  scenarios: {
    writing: arrivals('writing'),
    reading: arrivals('reading', 1 / 10),
    listening: {
      executor: 'per-vu-iterations',
      exec: 'listening',
      vus: pairCount,
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
    sockets_complete: ['rate==1'],
  },
}

export function setup(): People {
  const pairs = Array.from({ length: pairCount }, () => {
    const [sender, receiver] = [register(), register()]
    return { sender, receiver, conversationId: createConversation(sender, receiver.user.id).id }
  })
  return { pairs, since: Date.now() }
}

export function writing({ pairs, since }: People) {
  const { sender, conversationId } = ownOf(pairs)
  createMessage(current(sender, since), conversationId, `sent at ${Date.now()}`)
}

export function reading({ pairs, since }: People) {
  const { receiver, conversationId } = ownOf(pairs)
  listMessages(current(receiver, since), conversationId)
}

/** The pair that a virtual user writes or reads for, always the same. */
const ownOf = (pairs: Pair[]): Pair => pairs[exec.vu.idInTest % pairs.length] as Pair

/** The virtual user's own session with the person: a refresh token is good once, so no two may share one. */
let renewed: { session: Session; since: number } | undefined

/** A session of the same person whose access token has not expired. */
function current(session: Session, since: number): Session {
  if (Date.now() - (renewed?.since ?? since) < renewMs) return renewed?.session ?? session
  const fresh = renewed ? refresh(renewed.session) : login(session.user.username)
  if (fresh.accessToken) renewed = { session: fresh, since: Date.now() }
  return renewed?.session ?? session
}

/**
 * One friend's socket for the whole run: hears every message once, and answers one in ten by socket. Messages
 * that are stored together may arrive in another order than their `seq`, by which a client puts them right.
 */
export function listening({ pairs }: People) {
  const pair = pairs[exec.scenario.iterationInTest % pairs.length]
  if (!pair) return
  const { ticket } = createTicket(pair.receiver)
  const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/api/v1/ws?ticket=${ticket}`)
  const heard = new Set<number>()
  let repeated = 0
  socket.onopen = () => socket.send(JSON.stringify({ type: 'hello' }))
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data))
    // The socket's own messages come as the answers to its sends.
    if (frame.type === 'sent') heard.add(frame.message.seq)
    if (frame.type !== 'event' || frame.event.type !== 'message.created') return
    const { seq, text, senderId } = frame.event.data
    if (heard.has(seq) && senderId !== pair.receiver.user.id) repeated += 1
    heard.add(seq)
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
      const [first, last] = [Math.min(...heard), Math.max(...heard)]
      complete.add(repeated === 0 && (heard.size === 0 || heard.size === last - first + 1))
      socket.close()
    },
    (lastingSeconds() + 2) * 1_000,
  )
}
