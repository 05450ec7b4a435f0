import { z } from 'zod'
import { defineEvent } from './events.ts'

/**
 * The receipt by which a service says that it holds nothing more of a deleted user. Each service
 * publishes its own on its own stream; auth ends the account when all are in.
 */
export const dataErased = (service: string) =>
  defineEvent(service, `${service}_data.erased`, z.object({ userId: z.uuid() }))
