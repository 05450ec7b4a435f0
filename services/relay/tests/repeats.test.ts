import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { MailboxPage, QueueItem } from '../schema.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path, { EXPIRE_EVERY_SECONDS: '1' })
const { deps } = world
const sql = await deps.sql('relay')
const admin = await deps.createUser({ role: 'admin' })

const enqueue = (userId: string, key: string, change: object = {}, by = admin) =>
  world.ask({ ...by.headers, 'idempotency-key': key }, 'POST', '/api/v1/queue', {
    userId,
    type: 'reminder.due',
    data: { text: 'tea' },
    ...change,
  })
const itemOf = async (answer: Response) => {
  expect(answer.status).toBe(201)
  return QueueItem.parse(await answer.json())
}
const keptFor = async (userId: string) =>
  (await sql<{ id: string }[]>`select id from queue_items where user_id = ${userId}`).map(({ id }) => id)
const untilExpired = (queueId: string) =>
  eventually(async () => expect(await sql`select from queue_items where id = ${queueId}`).toHaveLength(0))

test('what is repeated after a crash that left no answer is kept once, and told of once', async () => {
  const [user, key] = [await deps.createUser(), newId()]
  const first = await itemOf(await enqueue(user.id, key))
  // A crash after the item's commit leaves nothing else behind.
  await sql`delete from idempotency_keys`
  expect(await itemOf(await enqueue(user.id, key))).toEqual(first)
  expect(await keptFor(user.id)).toEqual([first.queueId])
  expect(await sql`select id from outbox where recipients = ${user.id}`).toHaveLength(1)
  const other = await enqueue(user.id, key, { data: {} })
  expect(other.status).toBe(422)
  expect(await other.json()).toMatchObject({ reason: 'key_reused' })
})

test('repeats at the same moment are kept once and all get the item', async () => {
  const [user, key] = [await deps.createUser(), newId()]
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => enqueue(user.id, key)))
  const items = await Promise.all(answers.map(itemOf))
  expect(new Set(items.map(({ queueId }) => queueId))).toEqual(new Set(await keptFor(user.id)))
  expect(await keptFor(user.id)).toHaveLength(1)
})

test('a key is its caller’s own', async () => {
  const [user, key] = [await deps.createUser(), newId()]
  const first = await itemOf(await enqueue(user.id, key))
  const second = await itemOf(
    await enqueue(user.id, key, { data: {} }, await deps.createUser({ role: 'admin' })),
  )
  expect((await keptFor(user.id)).toSorted()).toEqual([first.queueId, second.queueId].toSorted())
})

test('a repeat gets the item when devices have acknowledged it, too', async () => {
  const [user, key] = [await deps.createUser(), newId()]
  const first = await itemOf(await enqueue(user.id, key))
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
  const page = MailboxPage.parse(await (await world.ask(user.headers, 'GET', '/api/v1/queue')).json())
  await world.ask(user.headers, 'POST', '/api/v1/queue/ack', { cursor: page.cursor })
  expect(await itemOf(await enqueue(user.id, key))).toEqual(first)
})

test('once an item has expired, a repeat with its end is refused, and one without is kept anew', async () => {
  const [user, key, other] = [await deps.createUser(), newId(), newId()]
  const expiresAt = new Date(Date.now() + 500).toISOString()
  await untilExpired((await itemOf(await enqueue(user.id, key, { expiresAt }))).queueId)
  expect((await enqueue(user.id, key, { expiresAt })).status).toBe(400)
  const first = await itemOf(await enqueue(user.id, other))
  await sql`update queue_items set expires_at = now() where id = ${first.queueId}`
  await untilExpired(first.queueId)
  const second = await itemOf(await enqueue(user.id, other))
  expect(await keptFor(user.id)).toEqual([second.queueId])
})

test('what is kept for somebody stands nowhere else for the sake of repeats', async () => {
  await itemOf(await enqueue((await deps.createUser()).id, newId()))
  expect(await sql`select body from idempotency_keys`).toHaveLength(0)
})
