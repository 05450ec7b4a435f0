import { on } from '@plaza/kit/inbox'
import { privacyChanged } from '@plaza/user/events'
import { applyPrivacy } from '../people.ts'

/** Takes over privacy settings that the user service could not tell by its call. */
export const followPrivacy = on(privacyChanged, 'message-follow-privacy', ({ data }, tx) =>
  applyPrivacy(tx, data),
)
