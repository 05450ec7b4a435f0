import type { Message } from '@plaza/message/schema'
import type { ClientFrame, ServerFrame } from './frames.ts'

export const conversationId = '0199d1c2-7f00-7c4e-9d0a-3b1f0c5a9e11'
export const ada = '0199d1c2-7f01-7a33-8d11-52c1f0b7aa02'
export const bob = '0199d1c2-7f02-7b44-9e22-63d2a1c8bb03'
const cursor = '3.1k9x0c4f2m-1741'

const text = 'Shall we meet at eight?'

export const message: Message = {
  id: '0199d1c2-8000-7d55-af33-74e3b2d9cc04',
  conversationId,
  seq: 12,
  revision: 15,
  senderId: ada,
  text,
  envelope: null,
  replyToId: null,
  reactions: [],
  createdAt: '2026-11-21T08:00:00.000Z',
  editedAt: null,
  deletedAt: null,
}

type Examples<Frame extends { type: string }> = { [Type in Frame['type']]: Extract<Frame, { type: Type }> }

/** One frame of each kind that a client says. */
export const clientExamples: Examples<ClientFrame> = {
  hello: { type: 'hello', cursor },
  send: {
    type: 'send',
    ref: '1',
    key: '6f2b0c1e-4a55-4a0e-9f0f-0d8f3a1b2c3d',
    conversationId,
    text,
  },
  receipt: { type: 'receipt', conversationId, deliveredSeq: 12, readSeq: 12 },
  ack: { type: 'ack', cursor },
  ping: { type: 'ping' },
  typing: { type: 'typing', conversationId, active: true },
  presence: { type: 'presence', status: 'away' },
  watch: { type: 'watch', userIds: [bob] },
  unwatch: { type: 'unwatch', userIds: [bob] },
}

/** One frame of each kind that the server says. */
export const serverExamples: Examples<ServerFrame> = {
  ready: {
    type: 'ready',
    sessionId: '0199d1c2-7f03-7c66-b044-85f4c3eadd05',
    cursor,
    resumed: true,
    heartbeatSeconds: 40,
  },
  event: {
    type: 'event',
    cursor: '3.1k9x0c4f2m-1742',
    event: {
      specversion: '1.0',
      id: message.id,
      source: '/message',
      type: 'message.created',
      subject: conversationId,
      time: '2026-11-21T08:00:00.001Z',
      actor: ada,
      version: 15,
      data: message,
    },
  },
  gap: {
    type: 'gap',
    cursor: '4.0f3k2j1h9g-0',
    reason: 'epoch',
    scopes: {
      conversations: [{ id: conversationId, seq: 14, revision: 18, deliveredSeq: 13, readSeq: 13 }],
      more: false,
      contacts: 3,
    },
  },
  sent: { type: 'sent', ref: '1', message },
  error: {
    type: 'error',
    ref: '1',
    problem: {
      type: 'about:blank',
      title: 'This is not allowed',
      status: 403,
      code: 'forbidden',
      reason: 'not_accepting',
    },
  },
  pong: { type: 'pong' },
  typing: { type: 'typing', conversationId, userId: bob, active: true },
  presence: { type: 'presence', userId: bob, status: 'offline', lastSeenAt: '2026-11-21T07:58:12.000Z' },
  resume: { type: 'resume', withinMs: 2_150 },
}
