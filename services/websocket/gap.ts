import type { Log } from '@plaza/kit/log'
import type { Fetch } from '@plaza/kit/peers'
import { z } from 'zod'
import { GapFrame } from './frames.ts'

export type Gap = z.output<typeof GapFrame>

const { conversations, more } = GapFrame.shape.scopes.shape
const Conversations = z.object({ conversations: conversations.unwrap(), more })
const Contacts = z.object({ contacts: z.int() })

type Options = { message: Fetch; user: Fetch; log: Log }

/** Where everything stands that a device has to repair; null for what nobody could say. */
export async function readScopes({ message, user, log }: Options, userId: string): Promise<Gap['scopes']> {
  const read = async <T extends z.ZodType>(name: string, fetch: Fetch, schema: T) => {
    try {
      const answer = await fetch(`http://${name}/internal/v1/users/${userId}/counters`)
      if (!answer.ok) throw new Error(`${name} answered ${answer.status}`)
      return schema.parse(await answer.json())
    } catch (error) {
      log.debug({ err: error, peer: name }, 'counters not read')
      return undefined
    }
  }
  const [talk, people] = await Promise.all([
    read('message', message, Conversations),
    read('user', user, Contacts),
  ])
  return {
    conversations: talk?.conversations ?? null,
    more: talk?.more ?? true,
    contacts: people?.contacts ?? null,
  }
}
