import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { acceptContact } from './routes/accept-contact.ts'
import { blockUser } from './routes/block-user.ts'
import { getPrivacy } from './routes/get-privacy.ts'
import { getProfile } from './routes/get-profile.ts'
import { getUserCounters } from './routes/get-user-counters.ts'
import { listBlocks } from './routes/list-blocks.ts'
import { listContactChanges } from './routes/list-contact-changes.ts'
import { listContacts } from './routes/list-contacts.ts'
import { listVisiblePresence } from './routes/list-visible-presence.ts'
import { refuseContact } from './routes/refuse-contact.ts'
import { removeContact } from './routes/remove-contact.ts'
import { requestContact } from './routes/request-contact.ts'
import { searchUsers } from './routes/search-users.ts'
import { unblockUser } from './routes/unblock-user.ts'
import { updatePrivacy } from './routes/update-privacy.ts'
import { updateProfile } from './routes/update-profile.ts'

/** Every operation of the service. */
export const createApp = (ctx: Ctx) =>
  newApp(ctx).openapiRoutes([
    getProfile(ctx),
    updateProfile(ctx),
    searchUsers(ctx),
    getPrivacy(ctx),
    updatePrivacy(ctx),
    requestContact(ctx),
    listContacts(ctx),
    listContactChanges(ctx),
    acceptContact(ctx),
    refuseContact(ctx),
    removeContact(ctx),
    listBlocks(ctx),
    blockUser(ctx),
    unblockUser(ctx),
    listVisiblePresence(ctx),
    getUserCounters(ctx),
  ])
