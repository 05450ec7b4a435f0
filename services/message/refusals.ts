import { Problem } from '@plaza/kit/problem'
import { isStatementTimeout } from '@plaza/kit/sql'

/** For what does not exist and for what is somebody else's alike: an id tells a stranger nothing. */
export const absentConversation = () => new Problem('not_found', 'There is no such conversation')
export const absentMessage = () => new Problem('not_found', 'There is no such message')

/** A block and a privacy setting give this same answer, so that a block cannot be learnt. */
export const notAccepting = () =>
  new Problem('forbidden', 'This person does not accept messages from you', { reason: 'not_accepting' })

export const notSender = () =>
  new Problem('forbidden', 'Only who wrote a message may change it', { reason: 'not_sender' })

export const windowOver = () =>
  new Problem('forbidden', 'The message is too old to be changed', { reason: 'window_over' })

export const alreadyDeleted = () =>
  new Problem('conflict', 'The message is deleted', { reason: 'message_deleted' })

/** For a conversation that somebody else holds for longer than a statement may wait. */
export const heldUp = (cause?: unknown) =>
  new Problem('unavailable', 'The conversation is held up', { reason: 'busy', retryAfterSeconds: 1, cause })

/** Throws what a statement threw, or that its conversation is held up when it waited for too long. */
export function refuseHeldUp(error: unknown): never {
  throw isStatementTimeout(error) ? heldUp(error) : error
}
