import { on } from '@plaza/kit/inbox'
import { privacyChanged } from '@plaza/user/events'
import { storePrivacy } from '../people.ts'

/** Takes over privacy settings that the user service could not tell by its call; `startJudging` puts them in force. */
export const followPrivacy = on(privacyChanged, 'message-follow-privacy', ({ data }, tx) =>
  storePrivacy(tx, data),
)
