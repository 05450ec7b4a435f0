import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { connect } from './routes/connect.ts'
import { createTicket } from './routes/create-ticket.ts'

/** Every operation of the service. */
export const createApp = (ctx: Ctx) => newApp(ctx).openapiRoutes([createTicket(ctx), connect(ctx)])
