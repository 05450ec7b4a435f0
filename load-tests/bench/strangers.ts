import { createLog } from '@plaza/kit/log'
import { connectNats } from '@plaza/kit/nats'
import { connectRedis } from '@plaza/kit/redis'

import { makeTicket } from '@plaza/websocket/tickets'
import type { World } from './world.ts'

/**
 * People who have no account: only tickets and mailboxes know them, which is all that a socket needs. Thousands
 * of them are made in a second, where registering each would measure password hashing.
 */
export async function createStrangers({ plaza }: World) {
  const { parts } = await plaza.run()
  const urlOf = (name: string) => parts.find((part) => part.name === name)?.url ?? ''
  const log = createLog('error')
  const redis = connectRedis(urlOf('redis'), 'bench', log)
  const nats = await connectNats(urlOf('nats'), 'bench', log)
  return {
    make: (count: number) => Array.from({ length: count }, () => crypto.randomUUID()),
    /** The address of a socket for each user, at the base given. */
    async socketUrls(userIds: readonly string[], base: string): Promise<string[]> {
      const whom = { sessionId: crypto.randomUUID(), role: 'user', issuedAt: Date.now() / 1_000 } as const
      const tickets = await Promise.all(userIds.map((userId) => makeTicket(redis, { userId, ...whom }, 300)))
      return tickets.map((ticket) => `${base.replace('http', 'ws')}/api/v1/ws?ticket=${ticket}`)
    },
    /** Publishes events to everyone in lists of a hundred, and waits until their mailboxes have them. */
    async mail(userIds: readonly string[], events: number): Promise<void> {
      for (let event = 0; event < events; event += 1)
        for (let from = 0; from < userIds.length; from += 100) {
          const published = publish(nats, userIds.slice(from, from + 100))
          if (event % 200 === 0) await published
        }
      const last = userIds.at(-1) ?? ''
      while ((await redis.xlen(`relay:{${last}}`)) < events) await Bun.sleep(20)
    },
    async end() {
      redis.disconnect()
      await nats.close()
    },
  }
}

async function publish(nats: Awaited<ReturnType<typeof connectNats>>, userIds: readonly string[]) {
  const id = Bun.randomUUIDv7()
  const data = { type: 'bench', text: 'x'.repeat(100) }
  const event = {
    specversion: '1.0',
    id,
    source: '/bench',
    type: 'queue.enqueued',
    subject: id,
    time: new Date(),
    data,
  }
  const row = {
    id,
    subject: `evt.queue.enqueued.${id}`,
    body: JSON.stringify(event),
    recipients: userIds.join(','),
  }
  await nats.publish(row)
}
