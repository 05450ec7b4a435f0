import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { acknowledgeQueue } from './routes/acknowledge-queue.ts'
import { enqueue } from './routes/enqueue.ts'
import { enqueueForService } from './routes/enqueue-for-service.ts'
import { listQueue } from './routes/list-queue.ts'
import { noteAcknowledgements } from './routes/note-acknowledgements.ts'
import { restoreQueue } from './routes/restore-queue.ts'

/** Every operation of the service. */
export const createApp = (ctx: Ctx) =>
  newApp(ctx).openapiRoutes([
    enqueue(ctx),
    listQueue(ctx),
    acknowledgeQueue(ctx),
    enqueueForService(ctx),
    noteAcknowledgements(ctx),
    restoreQueue(ctx),
  ])
