import { Problem } from '@plaza/kit/problem'

/** For what does not exist and for what is somebody else's alike: an id tells a stranger nothing. */
export const absentConversation = () => new Problem('not_found', 'There is no such conversation')
export const absentMessage = () => new Problem('not_found', 'There is no such message')

/** A block and a privacy setting give this same answer, so that a block cannot be learnt. */
export const notAccepting = () =>
  new Problem('forbidden', 'This person does not accept messages from you', { reason: 'not_accepting' })

export const keyReused = () =>
  new Problem('invalid', 'This key came with another message before', { reason: 'key_reused', status: 422 })

export const notSender = () =>
  new Problem('forbidden', 'Only who wrote a message may change it', { reason: 'not_sender' })

export const windowOver = () =>
  new Problem('forbidden', 'The message is too old to be changed', { reason: 'window_over' })

export const alreadyDeleted = () =>
  new Problem('conflict', 'The message is deleted', { reason: 'message_deleted' })
