import { z } from '@hono/zod-openapi'
import { deviceEvents } from './event-examples.ts'
import { clientExamples, serverExamples } from './examples.ts'
import * as frames from './frames.ts'
import { guide } from './guide.ts'

type Schema = Record<string, unknown>
type Io = 'input' | 'output'

const clientFrames = {
  hello: [frames.HelloFrame, 'Says where the device is in its mailbox; comes first, within 10 seconds'],
  send: [frames.SendFrame, 'Stores a message; answered by `sent` or `error` with the same `ref`'],
  receipt: [
    frames.ReceiptFrame,
    'Moves the own pointers of a conversation forward: how far messages have arrived, and were read; not answered',
  ],
  ack: [frames.AckFrame, 'Says up to which event the device has worked; not answered'],
  ping: [frames.PingFrame, 'Asks for a `pong`'],
  typing: [frames.TypingFrame, 'Shows that the user is writing; it ends after 10 seconds unless repeated'],
  presence: [
    frames.SetPresenceFrame,
    'Says whether the user is there: `online`, which every socket is at first, or `away`',
  ],
  watch: [frames.WatchFrame, 'Asks to be shown the presence of people, 200 at most'],
  unwatch: [frames.UnwatchFrame, 'Asks to be shown it no more'],
} as const

const serverFrames = {
  ready: [frames.ReadyFrame, 'Delivery begins, or goes on, at the cursor'],
  event: [frames.EventFrame, 'Something happened; `event` is one of those further below'],
  gap: [
    frames.GapFrame,
    'The mailbox does not hold all since the cursor of `hello`: repair what `scopes` names',
  ],
  sent: [
    frames.SentFrame,
    "The message of a `send` is stored; this socket gets no event of it, the user's other ones do. A resume may bring it again",
  ],
  error: [frames.ErrorFrame, 'A frame was refused; `ref` says which, if it had one'],
  pong: [frames.PongFrame, 'The answer to a `ping`'],
  typing: [frames.TypingShownFrame, 'Somebody writes, or has stopped (`active` false)'],
  presence: [frames.PresenceFrame, 'How somebody is; offline where it may not be seen'],
  resume: [
    frames.ResumeFrame,
    'This node closes: connect again at some moment within `withinMs`, with the cursor',
  ],
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
  deviceEvents.map(({ type, schema, summary, description, example }) => [
    type,
    {
      name: type,
      summary,
      description,
      examples: [{ name: type, payload: example }],
      payload: {
        type: 'object',
        required: ['specversion', 'id', 'source', 'type', 'subject', 'time', 'data'],
        properties: {
          specversion: { const: '1.0' },
          id: { type: 'string', format: 'uuid', description: 'The same when the event comes twice' },
          source: { type: 'string', description: 'The service that tells of it' },
          type: { const: type },
          subject: { type: 'string', description: 'The id of the conversation or user that it is about' },
          time: { type: 'string', format: 'date-time' },
          version: { type: 'integer', description: 'The counter of what changed, after the change' },
          actor: { type: 'string', format: 'uuid', description: 'Whose act it was, if a person acted' },
          traceparent: { type: 'string', description: 'W3C trace context, when the request was sampled' },
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
    description: guide,
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
          query: {
            type: 'object',
            required: ['ticket'],
            properties: {
              ticket: { type: 'string', description: 'From POST /api/v1/ws/ticket; it opens one socket' },
            },
          },
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
