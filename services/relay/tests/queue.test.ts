import { expect, test } from 'bun:test'
import { userDeleted } from '@plaza/auth/events'
import { newId } from '@plaza/kit/id'
import { toRow } from '@plaza/kit/outbox'

import { eventually } from '@plaza/kit/testing'
import { queueEnqueued } from '../events.ts'
import { MailboxPage, QueueItem } from '../schema.ts'
import { startWorld } from './_world.ts'

const world = await startWorld(import.meta.path, { EXPIRE_EVERY_SECONDS: '1' })
const { deps } = world
const sql = await deps.sql('relay')
const admin = await deps.createUser({ role: 'admin' })

const enqueue = (userId: string, change: object = {}, headers: Record<string, string> = admin.headers) =>
  world.ask(headers, 'POST', '/api/v1/queue', {
    userId,
    type: 'reminder.due',
    data: { text: 'tea' },
    ...change,
  })
const list = async (headers: Record<string, string>, query = '') =>
  MailboxPage.parse(await (await world.ask(headers, 'GET', `/api/v1/queue${query}`)).json())
const statusOf = async (answer: Promise<Response>) => (await answer).status

test('what an admin enqueues is stored with its event and waits in the mailbox', async () => {
  const user = await deps.createUser()
  const answer = await enqueue(user.id)
  expect(answer.status).toBe(201)
  const item = QueueItem.parse(await answer.json())
  const [row] = await sql`select user_id, body from queue_items where id = ${item.queueId}`
  expect(row?.userId).toBe(user.id)
  const [event] = await sql`select body, recipients from outbox where id = ${item.queueId}`
  expect(event).toMatchObject({ recipients: user.id, body: row?.body })
  await eventually(async () => {
    const page = await list(user.headers)
    expect(page).toMatchObject({ gap: false, nextCursor: null })
    expect(page.items.map(({ event }) => queueEnqueued.schema.parse(event.data))).toEqual([
      { queueId: item.queueId, type: 'reminder.due', data: { text: 'tea' }, expiresAt: item.expiresAt },
    ])
  })
})

test('a repeat with the same key is kept once', async () => {
  const user = await deps.createUser()
  const headers = { ...admin.headers, 'idempotency-key': newId() }
  const answers = [await enqueue(user.id, {}, headers), await enqueue(user.id, {}, headers)]
  expect(await answers[0]?.json()).toEqual(await answers[1]?.json())
  expect(await sql`select id from queue_items where user_id = ${user.id}`).toHaveLength(1)
  expect(await statusOf(enqueue(user.id, { data: {} }, headers))).toBe(422)
  const item = { queueId: newId(), userId: user.id, type: 'x', data: {} }
  const service = await deps.serviceHeaders('message')
  for (const _ of [1, 2])
    expect(await statusOf(world.ask(service, 'POST', '/internal/v1/queue', item))).toBe(201)
  expect(await sql`select id from queue_items where user_id = ${user.id}`).toHaveLength(2)
})

test('what is not valid is refused', async () => {
  const { id } = await deps.createUser()
  const past = new Date(Date.now() - 1_000).toISOString()
  for (const change of [
    { type: 'No Spaces' },
    { data: 'text' },
    { data: { text: 'x'.repeat(40_000) } },
    { data: { text: '漢'.repeat(12_000) } },
    { expiresAt: past },
    { expiresAt: '2999-01-01T00:00:00Z' },
    { userId: 'me' },
  ])
    expect(await statusOf(enqueue(id, change))).toBe(400)
  const nested = `{"userId":"${id}","type":"x","data":{"a":${'['.repeat(300_000)}${']'.repeat(300_000)}}}`
  for (const body of ['{', nested])
    expect(await statusOf(world.ask(admin.headers, 'POST', '/api/v1/queue', body))).toBe(400)
  for (const cursor of ['nonsense', '1.a-9999999999999999'])
    expect(await statusOf(world.ask(admin.headers, 'POST', '/api/v1/queue/ack', { cursor }))).toBe(400)
})

test('only admins and services enqueue, and only for users there are', async () => {
  const user = await deps.createUser()
  expect(await statusOf(enqueue(user.id, {}, {}))).toBe(401)
  expect(await statusOf(enqueue(user.id, {}, user.headers))).toBe(403)
  expect(await statusOf(enqueue(user.id, {}, await deps.serviceHeaders('message')))).toBe(401)
  expect(await statusOf(world.ask(admin.headers, 'POST', '/internal/v1/queue', {}))).toBe(401)
  const nobody = newId()
  world.unknown.add(nobody)
  expect(await statusOf(enqueue(nobody))).toBe(404)
  expect(await statusOf(world.ask({}, 'GET', '/api/v1/queue'))).toBe(401)
})

test('the mailbox is read in pages, and a device goes on where it acknowledged', async () => {
  const user = await deps.createUser()
  for (let index = 0; index < 5; index += 1) await enqueue(user.id, { data: { index } })
  await eventually(async () => expect((await world.place(user)).n).toBe(5))
  const first = await list(user.headers, '?limit=3')
  expect(first.items).toHaveLength(3)
  const second = await list(user.headers, `?limit=3&cursor=${first.nextCursor}`)
  expect(second).toMatchObject({ nextCursor: null, gap: false })
  expect(second.items).toHaveLength(2)
  const ack = (cursor: string) => statusOf(world.ask(user.headers, 'POST', '/api/v1/queue/ack', { cursor }))
  expect(await ack(first.cursor)).toBe(204)
  expect((await list(user.headers)).items).toEqual(second.items)
  const other = await deps.createUser({ id: user.id })
  expect((await list(other.headers)).items).toHaveLength(5)
  expect(await ack(first.cursor.replace(/-\d+$/, '-6'))).toBe(409)
  expect(await ack('1.elsewhere-1')).toBe(409)
})

test('a cursor that the mailbox does not know is answered with a gap, from the oldest frame on', async () => {
  const user = await deps.createUser()
  await enqueue(user.id)
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
  const page = await list(user.headers, '?cursor=1.elsewhere-7')
  expect(page.gap).toBe(true)
  expect(page.items).toHaveLength(1)
})

test('what was enqueued outlives its mailbox: whoever finds a gap, or an empty mailbox, still gets it', async () => {
  const user = await deps.createUser()
  await enqueue(user.id)
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
  const { cursor } = await list(user.headers)
  const forget = () => world.redis.unlink(`relay:{${user.id}}`, `relay:{${user.id}}:meta`)
  await forget()
  const afterGap = await list(user.headers, `?cursor=${cursor}`)
  expect(afterGap.gap).toBe(true)
  expect(afterGap.items).toHaveLength(1)
  await forget()
  expect((await list(user.headers)).items).toHaveLength(1)
  // A second look puts nothing there twice.
  expect((await list(user.headers)).items).toHaveLength(1)
})

test('what arrives after its end is not delivered', async () => {
  const user = await deps.createUser()
  const late = (expiresAt: Date) =>
    toRow(
      queueEnqueued.emit({
        subject: user.id,
        data: { queueId: newId(), type: 'reminder.due', data: {}, expiresAt: expiresAt.toISOString() },
        recipients: [user.id],
      }),
    )
  await world.nats.publish(late(new Date(Date.now() - 1_000)))
  const due = late(new Date(Date.now() + 60_000))
  await world.nats.publish(due)
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
  expect((await list(user.headers)).items.map(({ event }) => event.id)).toEqual([due.id])
})

test('what expires leaves the database and the mailbox, and what follows is still delivered', async () => {
  const user = await deps.createUser()
  await enqueue(user.id, { expiresAt: new Date(Date.now() + 1_500).toISOString() })
  await enqueue(user.id, { data: { stays: true } })
  await eventually(async () => expect((await world.place(user)).n).toBe(2))
  await eventually(async () =>
    expect(await sql`select id from queue_items where user_id = ${user.id}`).toHaveLength(1),
  )
  const page = await list(user.headers)
  expect(page.items.map(({ event }) => queueEnqueued.schema.parse(event.data).data)).toEqual([
    { stays: true },
  ])
})

test('an erased user leaves nothing behind, and nothing late brings the mailbox back', async () => {
  const user = await deps.createUser()
  await enqueue(user.id)
  await eventually(async () => expect((await world.place(user)).n).toBe(1))
  const { cursor } = await list(user.headers)
  await world.ask(user.headers, 'POST', '/api/v1/queue/ack', { cursor })
  const deleted = userDeleted.emit({
    subject: user.id,
    data: { userId: user.id, deletedAt: new Date().toISOString() },
  })
  await world.nats.publish(toRow(deleted))
  await eventually(async () => {
    const receipts = (await deps.events('RELAY')).filter(({ type }) => type === 'relay_data.erased')
    expect(receipts.map(({ subject }) => subject)).toEqual([user.id])
  })
  expect(await sql`select id from queue_items where user_id = ${user.id}`).toHaveLength(0)
  expect(await sql`select user_id from device_cursors where user_id = ${user.id}`).toHaveLength(0)
  const other = await deps.createUser()
  const keys = () => world.redis.keys(`relay:{${user.id}}*`)
  const late = async () => {
    const before = (await world.place(other)).n
    await world.publish([user.id, other.id], 'late')
    await eventually(async () => expect((await world.place(other)).n).toBe(before + 1))
    expect(await keys()).toEqual([`relay:{${user.id}}:meta`])
  }
  await late()
  expect(
    await statusOf(
      world.ask(await deps.serviceHeaders('message'), 'POST', '/internal/v1/queue', {
        userId: user.id,
        type: 'x',
        data: {},
      }),
    ),
  ).toBe(404)
  // The mark in Redis is made anew from the database, before anything is appended to an emptied Redis.
  await world.rewindRedis('nothing')
  await eventually(() => world.place(other))
  await late()
})

test('with Redis away nobody gets a 500', async () => {
  const user = await deps.createUser()
  await deps.parts.redis.kill()
  expect(await statusOf(world.ask(user.headers, 'GET', '/api/v1/queue'))).toBe(503)
  expect(await statusOf(world.ask(user.headers, 'POST', '/api/v1/queue/ack', { cursor: '1.a-1' }))).toBe(503)
  expect(await statusOf(enqueue(user.id))).toBe(201)
  await deps.parts.redis.restart()
  await eventually(async () => expect((await list(user.headers)).items).toHaveLength(1))
})
