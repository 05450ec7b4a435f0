import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { addReaction } from './routes/add-reaction.ts'
import { advanceReceipts } from './routes/advance-receipts.ts'
import { advanceReceiptsOfMany } from './routes/advance-receipts-of-many.ts'
import { countUnread } from './routes/count-unread.ts'
import { createMessage } from './routes/create-message.ts'
import { createMessages } from './routes/create-messages.ts'
import { deleteMessage } from './routes/delete-message.ts'
import { editMessage } from './routes/edit-message.ts'
import { getAudience } from './routes/get-audience.ts'
import { getConversation } from './routes/get-conversation.ts'
import { getMessage } from './routes/get-message.ts'
import { getUserCounters } from './routes/get-user-counters.ts'
import { listChanges } from './routes/list-changes.ts'
import { listConversations } from './routes/list-conversations.ts'
import { listMessages } from './routes/list-messages.ts'
import { lookUpMessages } from './routes/look-up-messages.ts'
import { openConversation } from './routes/open-conversation.ts'
import { putPrivacy } from './routes/put-privacy.ts'
import { putRelation } from './routes/put-relation.ts'
import { removeReaction } from './routes/remove-reaction.ts'
import { searchMessages } from './routes/search-messages.ts'

/** Every operation of the service: what people call, and below it what services call. */
export const createApp = (ctx: Ctx) =>
  newApp(ctx).openapiRoutes([
    openConversation(ctx),
    listConversations(ctx),
    countUnread(ctx),
    getConversation(ctx),
    createMessage(ctx),
    listMessages(ctx),
    listChanges(ctx),
    advanceReceipts(ctx),
    searchMessages(ctx),
    getMessage(ctx),
    editMessage(ctx),
    deleteMessage(ctx),
    addReaction(ctx),
    removeReaction(ctx),

    createMessages(ctx),
    advanceReceiptsOfMany(ctx),
    lookUpMessages(ctx),
    getAudience(ctx),
    getUserCounters(ctx),
    putRelation(ctx),
    putPrivacy(ctx),
  ])
