import { z } from '@hono/zod-openapi'
import * as messageEvents from '@plaza/message/events'
import { queueEnqueued } from '@plaza/relay/events'
import * as userEvents from '@plaza/user/events'
import { clientExamples, serverExamples } from './examples.ts'
import * as frames from './frames.ts'

type Schema = Record<string, unknown>
type Io = 'input' | 'output'

/** The events that reach devices, each the `event` of an event frame. */
const deviceEvents = [
  messageEvents.conversationCreated,
  messageEvents.messageCreated,
  messageEvents.messageEdited,
  messageEvents.messageDeleted,
  messageEvents.messageReacted,
  messageEvents.receiptAdvanced,
  userEvents.profileUpdated,
  userEvents.privacyChanged,
  userEvents.contactRequested,
  userEvents.contactAccepted,
  userEvents.contactRefused,
  userEvents.contactRemoved,
  userEvents.blockAdded,
  userEvents.blockRemoved,
  queueEnqueued,
]

const clientFrames = {
  hello: [frames.HelloFrame, 'Says where the device is in its mailbox; comes first, within 10 seconds'],
  send: [frames.SendFrame, 'Stores a message, as POST /conversations/{id}/messages does'],
  receipt: [frames.ReceiptFrame, 'Moves the own pointers of a conversation forward'],
  ack: [frames.AckFrame, 'Says how far the device has taken in its mailbox'],
  ping: [frames.PingFrame, 'Asks for a pong'],
  typing: [frames.TypingFrame, 'Shows that the user is writing; it ends after 10 seconds unless repeated'],
  presence: [frames.SetPresenceFrame, 'Says how the user is'],
  watch: [frames.WatchFrame, 'Asks to be shown the presence of people, 200 at most'],
  unwatch: [frames.UnwatchFrame, 'Asks to be shown it no more'],
} as const

const serverFrames = {
  ready: [frames.ReadyFrame, 'Delivery begins, or goes on, at the cursor'],
  event: [frames.EventFrame, 'Something happened; `event` is one of the events channel'],
  gap: [frames.GapFrame, 'The mailbox does not hold all since the cursor: repair by the scopes named'],
  sent: [
    frames.SentFrame,
    "The message of a send is stored; this socket gets no event of it, the user's other ones do. A resume may bring it again",
  ],
  error: [frames.ErrorFrame, 'A frame was refused; a send can be repeated with the same key'],
  pong: [frames.PongFrame, 'The answer to a ping'],
  typing: [frames.TypingShownFrame, 'Somebody writes, or has stopped'],
  presence: [frames.PresenceFrame, 'How somebody is; offline where it may not be seen'],
  resume: [frames.ResumeFrame, 'This node closes: connect again within the time, with the cursor'],
} as const

const toSchema = (schema: z.ZodType, io: Io): Schema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-7' })
  return rest
}

const frameMessages = (
  kinds: Record<string, readonly [z.ZodType, string]>,
  examples: Record<string, unknown>,
  io: Io,
): Record<string, Schema> =>
  Object.fromEntries(
    Object.entries(kinds).map(([name, [schema, summary]]) => [
      name,
      { name, summary, payload: toSchema(schema, io), examples: [{ name, payload: examples[name] }] },
    ]),
  )

const eventMessages: Record<string, Schema> = Object.fromEntries(
  deviceEvents.map(({ type, schema }) => [
    type,
    {
      name: type,
      payload: {
        type: 'object',
        required: ['specversion', 'id', 'source', 'type', 'subject', 'time', 'data'],
        properties: {
          specversion: { const: '1.0' },
          id: { type: 'string', format: 'uuid' },
          source: { type: 'string' },
          type: { const: type },
          subject: { type: 'string' },
          time: { type: 'string', format: 'date-time' },
          version: { type: 'integer', description: 'Of what the subject names; only ever take a higher one' },
          actor: { type: 'string', format: 'uuid' },
          traceparent: { type: 'string' },
          data: toSchema(schema, 'output'),
        },
      },
    },
  ]),
)

const references = (channel: string, messages: Record<string, Schema>) =>
  Object.keys(messages).map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }))

const said = frameMessages(clientFrames, clientExamples, 'input')
const shown = frameMessages(serverFrames, serverExamples, 'output')

/** The AsyncAPI 3 document of the socket's frames and of the events that they carry. */
export const asyncApi = {
  asyncapi: '3.0.0',
  info: {
    title: 'Plaza in real time',
    version: '1',
    description: [
      'Get a ticket by POST /api/v1/ws/ticket, open the socket with it, say hello.',
      'Every frame is JSON text of 64 KB at most with a `type`.',
      `The server closes with ${closeTable()}.`,
    ].join('\n'),
    license: { name: 'Apache-2.0' },
  },
  servers: { plaza: { host: 'localhost:8000', protocol: 'ws', description: 'The gateway' } },
  channels: {
    said: {
      address: '/api/v1/ws',
      title: 'What a client says',
      messages: said,
      bindings: {
        ws: {
          query: { type: 'object', required: ['ticket'], properties: { ticket: { type: 'string' } } },
        },
      },
    },
    shown: { address: '/api/v1/ws', title: 'What the server says', messages: shown },
    events: { address: null, title: 'What an event frame carries', messages: eventMessages },
  },
  operations: {
    say: { action: 'receive', channel: { $ref: '#/channels/said' }, messages: references('said', said) },
    show: { action: 'send', channel: { $ref: '#/channels/shown' }, messages: references('shown', shown) },
    carry: {
      action: 'send',
      channel: { $ref: '#/channels/events' },
      messages: references('events', eventMessages),
    },
  },
}

function closeTable(): string {
  const { badFrame, sessionEnded, timeOut, tooLarge, overBudget, resumeElsewhere, slow } = frames.closeCodes
  return [
    `${badFrame} after several frames that were not valid`,
    `${sessionEnded} when the session has ended`,
    `${timeOut} when hello does not come`,
    `${tooLarge} for a frame that is too large`,
    `${overBudget} when too much was said`,
    `${resumeElsewhere} when the node closes, and ${slow} when too little was read: connect again with the cursor`,
  ].join(', ')
}
