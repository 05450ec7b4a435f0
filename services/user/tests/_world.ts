import { afterAll, expect } from 'bun:test'
import { z } from '@hono/zod-openapi'
import { userDeleted, userRegistered } from '@plaza/auth/events'
import type { Emission, PlazaEvent } from '@plaza/kit/events'
import { newId } from '@plaza/kit/id'
import { unexpectedErrors } from '@plaza/kit/metrics'
import { toRow } from '@plaza/kit/outbox'
import type { Running } from '@plaza/kit/service'
import { ensureStream } from '@plaza/kit/stream'
import { eventually, type TestUser, testDeps } from '@plaza/kit/testing'
import { userClient } from '../api.ts'
import { userService } from '../main.ts'

const Body = z.record(z.string(), z.unknown())
type Pushed = { path: string; body: z.infer<typeof Body> }
export type Person = TestUser & { username: string; api: ReturnType<typeof userClient> }

/**
 * The service on parts of its own. Auth is stood in for by what it would answer about accounts and publish;
 * message by a handler that notes what it is told.
 */
export async function startWorld(path: string, variables: Record<string, string> = {}) {
  let running: Running | undefined
  // No 500 may hide behind a test that expected some failure.
  afterAll(async () => {
    expect((await unexpectedErrors.get()).values.filter(({ value }) => value > 0)).toEqual([])
  })
  // Registered before the parts' own, so that the service ends before what it stands on.
  afterAll(() => running?.stop())
  const deps = await testDeps(path)
  const accounts = new Map<string, { id: string; username: string; role: string; createdAt: string }>()
  const pushed: Pushed[] = []
  const message = { status: 204 }
  const nats = await deps.host.nats()
  await ensureStream(nats, { name: 'AUTH', subjects: ['evt.user.>'] })
  const keySet = deps.host.local.get('auth')
  deps.host.local.set('auth', async (request) => {
    const id = /^\/internal\/v1\/users\/(.+)$/.exec(new URL(request.url).pathname)?.[1]
    if (!id) return (await keySet?.(request)) ?? new Response(null, { status: 404 })
    const account = accounts.get(id)
    return account ? Response.json(account) : new Response(null, { status: 404 })
  })
  deps.host.local.set('message', async (request) => {
    if (message.status >= 400) return new Response(null, { status: message.status })
    pushed.push({ path: new URL(request.url).pathname, body: Body.parse(await request.json()) })
    return new Response(null, { status: 204 })
  })
  const start = async (): Promise<Running> =>
    await userService.start(deps.host, { ...(await deps.environment('user')), ...variables })
  running = await start()
  const server = Bun.serve<unknown>({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, server) => running?.fetch(request, server) ?? new Response(null, { status: 503 }),
  })
  afterAll(() => server.stop(true))
  const clientOf = (headers: Record<string, string>) => userClient(server.url.origin, { headers })

  const world = {
    deps,
    /** What auth would say of an account; an account that is not in here does not exist. */
    accounts,
    /** What message has been told, in order. */
    pushed,
    /** How message answers. */
    message,
    sql: await deps.sql('user'),
    url: server.url.origin,
    anonymous: clientOf({}),
    service: clientOf(await deps.serviceHeaders('websocket')),
    async stop() {
      await running?.stop()
      running = undefined
    },
    async start() {
      running = await start()
    },
    /** Someone whose account is there while the news of it has not come. */
    async createPerson(username = `u${newId().slice(-12)}`): Promise<Person> {
      const user = await deps.createUser()
      accounts.set(user.id, { id: user.id, username, role: 'user', createdAt: new Date().toISOString() })
      return { ...user, username, api: clientOf(user.headers) }
    },
    /** The first asks, the second accepts. */
    async connect(asker: Person, other: Person) {
      await asker.api.api.v1.contacts.$post({ header: {}, json: { userId: other.id } })
      await other.api.api.v1.contacts[':userId'].accept.$post({ param: { userId: asker.id } })
    },
    /** A pair as it is stored: the first's view of the second, or undefined when there is none. */
    async viewOf(owner: Person, other: Person) {
      const [row] = await world.sql<{ state: string; blocked: boolean; version: number }[]>`
        select state, blocked, version from relations where owner_id = ${owner.id} and other_id = ${other.id}`
      return row
    },
    /** What message was told about a pair, in order. */
    toldOf: (owner: Person, other: Person) =>
      pushed.flatMap(({ path, body }) =>
        path.endsWith('/relations') && body.ownerId === owner.id && body.otherId === other.id ? [body] : [],
      ),
    publish: (emission: Emission) => nats.publish(toRow(emission)),
    registered: ({ id, username }: Pick<Person, 'id' | 'username'>) =>
      userRegistered.emit({
        subject: id,
        version: 1,
        data: { userId: id, username, createdAt: new Date().toISOString() },
      }),
    deleted: (userId: string) =>
      userDeleted.emit({
        subject: userId,
        version: 2,
        data: { userId, deletedAt: new Date().toISOString() },
      }),
    /** Whose mailboxes the events about a subject go to. */
    recipientsOf: async (type: string, subject: string): Promise<string[]> => {
      const rows = await world.sql<{ recipients: string }[]>`
        select recipients from outbox where subject = ${`evt.${type}.${subject}`}`
      return rows.map(({ recipients }) => recipients)
    },
    /** The events of a type about a subject, as soon as there are as many. */
    eventsOf: (type: string, subject: string, atLeast = 1): Promise<PlazaEvent[]> =>
      eventually(async () => {
        const found = (await deps.events('USER')).filter(
          (event) => event.type === type && event.subject === subject,
        )
        if (found.length < atLeast) throw new Error(`${found.length} of ${atLeast} events ${type}`)
        return found
      }),
  }
  return world
}
export type World = Awaited<ReturnType<typeof startWorld>>
