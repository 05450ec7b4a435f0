import { afterAll, expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import type { Running } from '@plaza/kit/service'
import { eventually } from '@plaza/kit/testing'
import { messageClient } from '@plaza/message/api'
import { messageService } from '@plaza/message/main'
import { type Person, startWorld } from './_world.ts'

let message: Running | undefined
afterAll(() => message?.stop())
const world = await startWorld(import.meta.path)
message = await messageService.start(world.deps.host, await world.deps.environment('message'))
const server = Bun.serve<unknown>({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request, server) => message?.fetch(request, server) ?? new Response(null, { status: 503 }),
})
afterAll(() => server.stop(true))
/** Whether message hears what user tells it. */
let heard = true
let lastHeard: Request | undefined
world.deps.host.local.set('message', async (request) => {
  if (!heard) return new Response(null, { status: 503 })
  lastHeard = request
  return await fetch(new URL(new URL(request.url).pathname, server.url), request)
})

/** Two people with a conversation, and how the second one's next message to the first is answered. */
async function openPair() {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  const { conversations } = messageClient(server.url.origin, { headers: ben.headers }).api.v1
  const opened = await conversations.$post({ header: {}, json: { userId: anna.id } })
  if (opened.status !== 201) throw new Error(`answered ${opened.status}`)
  const { id: conversationId } = await opened.json()
  const write = async () => {
    const answer = await conversations[':conversationId'].messages.$post({
      param: { conversationId },
      header: { 'idempotency-key': newId() },
      json: { text: 'hello' },
    })
    const body: unknown = await answer.json()
    return typeof body === 'object' && body && 'reason' in body ? body.reason : answer.status
  }
  return { anna, ben, write }
}
const block = (person: Person, other: Person) =>
  person.api.api.v1.blocks[':userId'].$put({ param: { userId: other.id } })

test('the first message after the answer to a block is refused, and the first after its end is taken', async () => {
  const { anna, ben, write } = await openPair()
  expect(await write()).toBe(201)
  await block(anna, ben)
  expect(await write()).toBe('not_accepting')
  await anna.api.api.v1.blocks[':userId'].$delete({ param: { userId: ben.id } })
  expect(await write()).toBe(201)
})

test('privacy settings, contacts made and contacts removed hold from their answers on', async () => {
  const { anna, ben, write } = await openPair()
  const settings = { whoSeesPresence: 'nobody', sendDeliveryReceipts: true, sendReadReceipts: true } as const
  await anna.api.api.v1.me.privacy.$put({ json: { ...settings, whoMayWrite: 'contacts' } })
  expect(await write()).toBe('not_accepting')
  await world.connect(ben, anna)
  expect(await write()).toBe(201)
  await ben.api.api.v1.contacts[':userId'].$delete({ param: { userId: anna.id } })
  expect(await write()).toBe('not_accepting')
})

test('what message is told names the request that it is told for, and so does the event', async () => {
  const { anna, ben } = await openPair()
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const headers = { traceparent, 'x-request-id': 'request-of-anna' }
  await anna.api.api.v1.blocks[':userId'].$put({ param: { userId: ben.id } }, { headers })
  expect(lastHeard?.headers.toJSON()).toMatchObject(headers)
  expect(await world.eventsOf('block.added', anna.id)).toMatchObject([{ traceparent }])
})

test('a block that message could not be told of holds by its event', async () => {
  const { anna, ben, write } = await openPair()
  heard = false
  const away = await block(anna, ben)
  heard = true
  expect<number>(away.status).toBe(503)
  await eventually(async () => expect(await write()).toBe('not_accepting'))
})
