import { afterAll } from 'bun:test'
import { cp, rm } from 'node:fs/promises'
import { toRow } from '@plaza/kit/outbox'
import type { OutboxRow } from '@plaza/kit/publisher'
import type { Running } from '@plaza/kit/service'
import { ensureStream } from '@plaza/kit/stream'
import { type TestUser, testDeps } from '@plaza/kit/testing'
import { messageStream } from '@plaza/message/events'
import { createdEvent } from '@plaza/message/testing'
import { type Cursor, openMailbox, type Place, readGeneration, readMailbox } from '../mailbox.ts'
import { relayService } from '../main.ts'

/** Relay on real parts. All of it ends with the file. */
export async function startWorld(path: string, variables: Record<string, string> = {}) {
  let running: Running | undefined
  // Before the parts' own afterAll, so that the service stops before what it stands on.
  afterAll(() => running?.stop())
  const deps = await testDeps(path)
  const nats = await deps.host.nats()
  const redis = deps.host.redis()
  await ensureStream(nats, { name: 'AUTH', subjects: ['evt.user.>'] })
  await ensureStream(nats, { name: 'USER', subjects: ['evt.profile.>'] })
  await ensureStream(nats, messageStream)
  const unknown = new Set<string>()
  const keys = deps.host.local.get('auth')
  deps.host.local.set('auth', (request) => {
    const id = /^\/internal\/v1\/users\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1]
    if (id) return Response.json({ id }, { status: unknown.has(id) ? 404 : 200 })
    return keys?.(request) ?? new Response(null, { status: 404 })
  })
  const start = async () => {
    running = await relayService.start(deps.host, { ...(await deps.environment('relay')), ...variables })
    return running
  }
  await start()
  const call = async (request: Request): Promise<Response> => {
    if (!running) throw new Error('relay does not run')
    return await running.fetch(request, neverServed)
  }
  const copy = `${deps.parts.redis.dir}-copy`
  return {
    deps,
    nats,
    redis,
    unknown,
    start,
    stop: async () => running?.stop(),
    /** A request of a user's, a service's or nobody's. */
    ask: (headers: Record<string, string>, method: string, target: string, body?: unknown) =>
      call(
        new Request(`http://relay${target}`, {
          method,
          headers: { 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      ),
    /** Publishes an event of a message as message would; answers the row. */
    async publish(userIds: readonly string[], text: string) {
      const row = rowOf(userIds, text)
      await nats.publish(row)
      return row
    },
    /** Hands events over as a service of the same process would. */
    /** Answers of each whether it stands in the mailboxes. */
    handOver: async (...rows: OutboxRow[]) => await running?.operations?.handOver?.(rows),
    place: async (user: TestUser): Promise<Place> => {
      const place = await openMailbox(redis, user.id, { generation: await readGeneration(redis) })
      if (!place) throw new Error('the user was erased')
      return place
    },
    /** The texts of the messages after a cursor; undefined when there is a gap. */
    async read(user: TestUser, after: Cursor): Promise<string[] | undefined> {
      const { frames } = await readMailbox(redis, user.id, after, 1 << 22)
      return frames?.map(({ stored }) => JSON.parse(stored).data.text)
    },
    /** Keeps a copy of Redis's files as they are now. */
    async copyRedis() {
      await rm(copy, { recursive: true, force: true })
      await cp(deps.parts.redis.dir, copy, { recursive: true })
    },
    /** Brings Redis back with the files of that copy, or with none, after something was done without it. */
    async rewindRedis(to: 'copy' | 'nothing', without: () => Promise<unknown> = async () => {}) {
      await deps.parts.redis.kill()
      await without()
      await deps.parts.redis.wipe()
      if (to === 'copy') await cp(copy, deps.parts.redis.dir, { recursive: true })
      await deps.parts.redis.restart()
    },
  }
}

/** The event of a message as message stores it. */
export const rowOf = (userIds: readonly string[], text: string): OutboxRow =>
  toRow(createdEvent(userIds, text))

/** Relay's handler looks at no server. */
const neverServed = Bun.serve({ port: 0, fetch: () => new Response(null, { status: 404 }) })
neverServed.unref()
