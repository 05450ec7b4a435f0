import { afterAll, expect } from 'bun:test'
import type { Environment } from '@plaza/kit/config'
import type { Emission, EventDefinition } from '@plaza/kit/events'
import { newId } from '@plaza/kit/id'
import { toRow } from '@plaza/kit/outbox'
import type { Running } from '@plaza/kit/service'
import type { Sql, Transaction } from '@plaza/kit/sql'
import { ensureStream } from '@plaza/kit/stream'
import { eventually, type TestDeps, type TestUser, testDeps } from '@plaza/kit/testing'
import type { z } from 'zod'
import { messageService } from '../main.ts'
import type { PrivacySetting } from '../people.ts'
import { Conversation, Message } from '../schema.ts'

/** A started message service, and short words for what tests do with it. */
export async function createWorld(path: string, variables: Environment = {}) {
  // Registered first, so that the service ends before the parts that it stands on.
  let stop = async () => {}
  afterAll(() => stop())
  const deps = await testDeps(path)
  const unknown = new Set<string>()
  standInForUsers(deps, unknown)
  const nats = await deps.host.nats()
  await ensureStream(nats, { name: 'AUTH', subjects: ['evt.user.>'] })
  await ensureStream(nats, { name: 'USER', subjects: ['evt.contact.>', 'evt.block.>', 'evt.privacy.>'] })
  const environment = { ...(await deps.environment('message')), ...variables }
  const service = await messageService.start(deps.host, environment)
  stop = service.stop
  const sql = await deps.sql('message')
  const call = (request: Request) => answer(service, request)
  const ask = (user: TestUser | undefined, method: string, target: string, body?: unknown) =>
    call(requestOf(method, target, { ...user?.headers }, body))
  const askAs = async (name: string, method: string, target: string, body?: unknown) =>
    call(requestOf(method, target, await deps.serviceHeaders(name), body))
  const open = async (opener: TestUser, peer: TestUser) =>
    await parse(Conversation, await ask(opener, 'POST', '/api/v1/conversations', { userId: peer.id }))
  const send = async (sender: TestUser, conversationId: string, text: string, key = newId()) =>
    await parse(Message, await post(sender, conversationId, { text }, key))
  const post = (
    sender: TestUser,
    conversationId: string,
    body: object,
    key?: string,
    instance: Running = service,
  ) =>
    answer(
      instance,
      requestOf(
        'POST',
        `/api/v1/conversations/${conversationId}/messages`,
        { ...sender.headers, ...(key ? { 'idempotency-key': key } : {}) },
        body,
      ),
    )
  return {
    ...deps,
    db: sql,
    service,
    settings: environment,
    call,
    post,
    open,
    send,
    /** Any request of a user's. */
    ask,
    /** A call of another service's. */
    askAs,
    /** Tells what `owner` has set about `other`, as the user service does. */
    async relate(
      owner: TestUser,
      other: TestUser,
      change: { blocked?: boolean; contact?: boolean },
      version: number,
    ) {
      const relation = {
        ownerId: owner.id,
        otherId: other.id,
        blocked: false,
        contact: false,
        version,
        ...change,
      }
      expect((await askAs('user', 'PUT', '/internal/v1/relations', relation)).status).toBe(204)
    },
    async setPrivacy(user: TestUser, change: Partial<PrivacySetting>, version: number) {
      const everything = { whoMayWrite: 'everyone', sendDeliveryReceipts: true, sendReadReceipts: true }
      const setting = { userId: user.id, version, ...everything, ...change }
      expect((await askAs('user', 'PUT', '/internal/v1/privacy', setting)).status).toBe(204)
    },
    /** Publishes what another service would. */
    publish: async (emission: Emission) => void (await nats.publish(toRow(emission))),
    /** Waits for an event of a conversation to be published, of a version when one is given. */
    eventOf: async <Data>(definition: EventDefinition<Data>, conversationId: string, version?: number) =>
      await eventually(async () => {
        const found = (await deps.events('MESSAGE')).find(
          (event) =>
            event.type === definition.type &&
            event.subject === conversationId &&
            (version === undefined || event.version === version),
        )
        if (!found) throw new Error(`no ${definition.type} was published`)
        return definition.parse(found)
      }),
    /** Two people with a conversation. */
    async pair() {
      const [ann, ben] = [await deps.createUser(), await deps.createUser()]
      return { ann, ben, conversation: await open(ann, ben) }
    },
    /** Lets auth know nobody of this id. */
    forget: (userId: string) => unknown.add(userId),
    /** Locks a conversation, does more in the same transaction, and answers what commits it. */
    holdLock: (conversationId: string, work: (tx: Transaction) => Promise<void> = async () => {}) =>
      holdOpen(sql, async (tx) => {
        await tx`select from conversations where id = ${conversationId} for update`
        await work(tx)
      }),
    /** Has the index wait with what it has read and not yet written, until the release; in the end all is as before. */
    async holdIndexing() {
      await sql.unsafe(`
        create function wait_for_gate() returns trigger language plpgsql as $$
          begin
            perform pg_advisory_xact_lock_shared(1);
            return new;
          end
        $$;
        create trigger wait_for_gate before insert on search_documents
          for each row execute function wait_for_gate()`)
      const release = await holdOpen(sql, (tx) => tx`select pg_advisory_xact_lock(1)`)
      return { release, done: () => sql.unsafe('drop function wait_for_gate cascade') }
    },
    /** How many connections wait for a lock of another's. */
    async waitingForLocks() {
      const [row] = await sql<{ waiting: number }[]>`
        select count(*) as waiting
        from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      return row?.waiting
    },
    /** A second instance on the same database. */
    startAnother: () => messageService.start(deps.host, environment),
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>

/** The body of an answer that went well, by its schema; fails with the answer itself otherwise. */
export async function parse<T extends z.ZodType>(
  schema: T,
  response: Pick<Response, 'ok' | 'text' | 'status'>,
) {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return schema.parse(JSON.parse(text))
}

/** Checks that an answer is this problem. */
export async function expectProblem(
  response: Response | Promise<Response>,
  status: number,
  reason?: string,
): Promise<void> {
  const answered = await response
  const body = await answered.text()
  expect({ status: answered.status, body }).toMatchObject({ status, body: expect.any(String) })
  expect(answered.headers.get('content-type')).toBe('application/problem+json')
  if (reason) expect(JSON.parse(body).reason).toBe(reason)
}

const requestOf = (method: string, target: string, headers: Record<string, string>, body: unknown): Request =>
  new Request(`http://message${target}`, {
    method,
    headers: { ...headers, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })

/** This service's handler never looks at the server that a listener would pass along. */
const answer = async ({ fetch }: Running, request: Request): Promise<Response> =>
  await fetch(request, undefined as never)

/** Auth knows everybody but those who are named. */
function standInForUsers({ host }: TestDeps, unknown: Set<string>): void {
  const keys = host.local.get('auth')
  host.local.set('auth', (request) => {
    const id = /^\/internal\/v1\/users\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1]
    if (id && unknown.has(id)) return Response.json({}, { status: 404 })
    if (id || !keys) return Response.json({ id })
    return keys(request)
  })
}

/** Does work in a transaction that stays open, with the locks it took; answers what ends it. */
export async function holdOpen(sql: Sql, work: (tx: Transaction) => Promise<unknown>) {
  const [held, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holding = sql.begin(async (tx) => {
    await work(tx)
    held.resolve()
    await gate.promise
  })
  await held.promise
  return async () => {
    gate.resolve()
    await holding
  }
}
