import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { advanceReceipts } from './routes/advance-receipts.ts'
import { countUnread } from './routes/count-unread.ts'
import { createMessage } from './routes/create-message.ts'
import { getConversation } from './routes/get-conversation.ts'
import { listConversations } from './routes/list-conversations.ts'
import { listMessages } from './routes/list-messages.ts'
import { openConversation } from './routes/open-conversation.ts'

/** Every operation of the service. */
export const createApp = (ctx: Ctx) =>
  newApp(ctx).openapiRoutes([
    openConversation(ctx),
    listConversations(ctx),
    countUnread(ctx),
    getConversation(ctx),
    createMessage(ctx),
    listMessages(ctx),
    advanceReceipts(ctx),
  ])
