import type { EventDefinition, PlazaEvent } from '@plaza/kit/events'
import * as messageEvents from '@plaza/message/events'
import { queueEnqueued } from '@plaza/relay/events'
import * as userEvents from '@plaza/user/events'
import { ada, bob, conversationId, message } from './examples.ts'

/** An event that reaches devices, with what the document says of it. */
export type DeviceEvent = {
  type: string
  schema: EventDefinition<unknown>['schema']
  summary: string
  description: string
  example: PlazaEvent
}

type Told<Data> = {
  id?: string
  summary: string
  description: string
  subject: string
  version?: number
  actor?: string
  data: Data
}

const id = '0199d1c2-8001-7e77-8155-96a5d4fbee06'
const time = '2026-11-21T08:00:00.001Z'

const tell = <Data>(
  { type, schema, stream }: EventDefinition<Data>,
  { summary, description, ...fields }: Told<Data>,
): DeviceEvent => ({
  type,
  schema,
  summary,
  description,
  example: { specversion: '1.0', id, source: `/${stream.toLowerCase()}`, type, time, ...fields },
})

const ofMessage = { subject: conversationId, version: 16, actor: ada }
const relation = { subject: ada, actor: ada }
const profile = {
  userId: ada,
  username: 'ada',
  displayName: 'Ada',
  avatar: null,
  bio: 'Plays the viola',
  age: null,
  gender: null,
  favouriteStyle: 'Baroque',
  totalPosts: 0,
  fields: { city: 'Leeds' },
  version: 4,
  createdAt: '2026-03-01T09:00:00.000Z',
  updatedAt: '2026-11-21T08:00:00.000Z',
}

/** The events that reach devices, each the `event` of an event frame; those of relations are as Ada's devices get them. */
export const deviceEvents: DeviceEvent[] = [
  tell(messageEvents.conversationCreated, {
    summary: 'A conversation was opened',
    description:
      'It goes to both people, but to the one who was addressed only if they accept messages from the other. ' +
      'Get the conversation by `GET /api/v1/conversations/{conversationId}`.',
    ...ofMessage,
    version: 0,
    data: { id: conversationId, memberIds: [ada, bob], createdAt: message.createdAt },
  }),
  tell(messageEvents.messageCreated, {
    summary: 'A message was sent',
    description:
      'It goes to both people, so to other devices of the sender, too, but not to the socket that sent it: ' +
      'that one got `sent`. `id` is the id of the message. One that waited for the device may show the message ' +
      'as it is by now, with its present `revision`.',
    ...ofMessage,
    id: message.id,
    version: message.revision,
    data: message,
  }),
  tell(messageEvents.messageEdited, {
    summary: 'A message has other content',
    description: '`data` is the whole message as it is now: put it in the place of what you have.',
    ...ofMessage,
    data: {
      ...message,
      revision: 16,
      text: 'Shall we meet at nine?',
      editedAt: '2026-11-21T08:01:30.000Z',
    },
  }),
  tell(messageEvents.messageDeleted, {
    summary: 'A message was deleted for both people',
    description:
      'Its place stays, its content is gone: `text` and `envelope` are null and `deletedAt` is set. It comes ' +
      'without `actor` when the account of its sender has been deleted.',
    ...ofMessage,
    data: { ...message, revision: 16, text: null, deletedAt: '2026-11-21T08:01:30.000Z' },
  }),
  tell(messageEvents.messageReacted, {
    summary: 'A reaction was added or taken back',
    description: '`data` is the whole message as it is now; `reactions` are all that it has.',
    ...ofMessage,
    actor: bob,
    data: { ...message, revision: 16, reactions: [{ emoji: '👍', userIds: [bob] }] },
  }),
  tell(messageEvents.receiptAdvanced, {
    summary: 'Messages have reached a person or were read',
    description:
      'The pointers of `userId`, who may be this user on another device. They move forward only: keep the higher ' +
      'of each. 0 stands for what its owner keeps private.',
    ...ofMessage,
    actor: bob,
    data: { conversationId, userId: bob, deliveredSeq: 12, readSeq: 12, revision: 16 },
  }),
  tell(userEvents.profileUpdated, {
    summary: "This user's own profile was changed",
    description:
      'It goes to the devices of the owner alone, and is the whole profile. Profiles of other people are not ' +
      'announced: read them when they are shown.',
    ...relation,
    version: 4,
    data: profile,
  }),
  tell(userEvents.privacyChanged, {
    summary: "This user's own privacy settings were changed",
    description: 'It goes to the devices of the owner alone, and holds all settings.',
    ...relation,
    version: 2,
    data: {
      userId: ada,
      whoMayWrite: 'contacts',
      whoSeesPresence: 'contacts',
      sendDeliveryReceipts: true,
      sendReadReceipts: false,
      version: 2,
    },
  }),
  tell(userEvents.contactRequested, {
    summary: 'This user has asked somebody to be a contact, or was asked',
    description:
      '`state` is `outgoing` for who has asked, and `incoming` for who was asked, here Ada by Bob.',
    ...relation,
    actor: bob,
    version: 7,
    data: { userId: ada, otherId: bob, state: 'incoming', blocked: false, version: 7 },
  }),
  tell(userEvents.contactAccepted, {
    summary: 'This user and another are contacts now',
    description: 'It goes to both, each in their own view, whoever of the two accepted.',
    ...relation,
    version: 8,
    data: { userId: ada, otherId: bob, state: 'accepted', blocked: false, version: 8 },
  }),
  tell(userEvents.contactRefused, {
    summary: 'This user has refused a request',
    description: 'It goes to the devices of who refused. The person who asked is not told.',
    ...relation,
    version: 8,
    data: { userId: ada, otherId: bob, state: 'none', blocked: false, version: 8 },
  }),
  tell(userEvents.contactRemoved, {
    summary: 'A contact has ended, or a request was withdrawn',
    description:
      'By either of the two, by a block of their own, or, without `actor`, since the account of the other person ' +
      'has been deleted.',
    ...relation,
    actor: bob,
    version: 9,
    data: { userId: ada, otherId: bob, state: 'none', blocked: false, version: 9 },
  }),
  tell(userEvents.blockAdded, {
    summary: 'This user has blocked somebody',
    description: 'It goes to the devices of who blocked. The blocked person is not told.',
    ...relation,
    version: 10,
    data: { userId: ada, otherId: bob, state: 'none', blocked: true, version: 10 },
  }),
  tell(userEvents.blockRemoved, {
    summary: 'This user has ended a block',
    description: 'It goes to the devices of who had blocked. It brings no contact back.',
    ...relation,
    version: 11,
    data: { userId: ada, otherId: bob, state: 'none', blocked: false, version: 11 },
  }),
  tell(queueEnqueued, {
    summary: 'Something was left for this user',
    description:
      '`data.type` says what `data.data` holds; whoever enqueues chooses both (`POST /api/v1/queue`). ' +
      'After `expiresAt` it is worth nothing.',
    subject: ada,
    data: {
      queueId: id,
      type: 'reminder.due',
      data: { title: 'Rehearsal', at: '2026-11-22T18:00:00.000Z' },
      expiresAt: '2026-11-28T08:00:00.000Z',
    },
  }),
]
