import type { Subscription } from '@plaza/kit/inbox'
import {
  blockAdded,
  blockRemoved,
  contactAccepted,
  contactRefused,
  contactRemoved,
  contactRequested,
} from '@plaza/user/events'
import { applyRelation } from '../people.ts'

const followed = [contactRequested, contactAccepted, contactRefused, contactRemoved, blockAdded, blockRemoved]

/** Takes over contacts and blocks that the user service could not tell by its call; each event holds the whole relation. */
export const followRelations: Subscription = {
  durable: 'message-follow-relations',
  stream: blockAdded.stream,
  types: followed.map(({ type }) => type),
  async handle(event, tx) {
    const { userId, otherId, blocked, state, version } = blockAdded.parse(event).data
    await applyRelation(tx, { ownerId: userId, otherId, blocked, contact: state === 'accepted', version })
  },
}
