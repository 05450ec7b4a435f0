import { afterAll, expect, test } from 'bun:test'
import type { Message } from '@plaza/client'
import { eventually } from '@plaza/kit/testing'
import { all, type Someone, someoneNew, unexpectedErrors } from './people.ts'
import { startPlaza } from './plaza.ts'

const plaza = await startPlaza({ env: { ERASURE_SETTLE_SECONDS: '1' } })
afterAll(() => plaza.stop())

const ada = await someoneNew(plaza.url, 'ada')
const ben = await someoneNew(plaza.url, 'ben')
afterAll(() => Promise.all([ada.client.close(), ben.client.close()]))

/** What a person's device has been told, in the order it was told. */
const listen = ({ client }: Someone) => {
  const told: {
    messages: Message[]
    changed: string[]
    receipts: number[]
    contacts: string[]
    typing: string[]
  } = {
    messages: [],
    changed: [],
    receipts: [],
    contacts: [],
    typing: [],
  }
  client.on('message', (message) => told.messages.push(message))
  for (const kind of ['edited', 'deleted', 'reaction'] as const)
    client.on(kind, ({ seq, text }) => told.changed.push(`${kind} ${seq} ${text}`))
  client.on('receipt', ({ userId, readSeq }) => told.receipts.push(userId === ada.id ? 0 : readSeq))
  client.on('contact', ({ state }) => told.contacts.push(state))
  client.on('typing', ({ userId }) => told.typing.push(userId))
  return told
}
const adas = listen(ada)
const bens = listen(ben)
const textsOf = (messages: Message[]) => messages.map(({ text }) => text)
let conversationId = ''

test('they find each other and become contacts', async () => {
  await Promise.all([ada.client.connect(), ben.client.connect()])
  const [found] = await eventually(async () => {
    const people = await all(ada.client.people.search(ben.username))
    expect(people).toHaveLength(1)
    return people
  })
  expect(found?.userId).toBe(ben.id)
  await ada.client.people.ask(ben.id)
  await eventually(() => expect(bens.contacts).toEqual(['incoming']))
  await ben.client.people.accept(ada.id)
  await eventually(() => expect(adas.contacts).toContain('accepted'))
  expect((await all(ada.client.people.contacts('accepted'))).map(({ person }) => person.userId)).toEqual([
    ben.id,
  ])
})

test('they talk live', async () => {
  const conversation = await ada.client.talk.open(ben.id)
  conversationId = conversation.id
  expect((await ben.client.talk.open(ada.id)).id).toBe(conversationId)
  await ada.client.send(conversationId, 'Hello Ben')
  await eventually(() => expect(textsOf(bens.messages)).toEqual(['Hello Ben']))
  await ben.client.send(conversationId, 'Hello Ada 👋')
  await eventually(() => expect(textsOf(adas.messages)).toEqual(['Hello Ben', 'Hello Ada 👋']))
  ben.client.typing(conversationId)
  await eventually(() => expect(adas.typing).toContain(ben.id))
})

test('they talk live while the broker hangs', async () => {
  await plaza.kill('nats', 'SIGSTOP')
  try {
    await ada.client.send(conversationId, 'Still there?')
    await eventually(() => expect(textsOf(bens.messages)).toContain('Still there?'))
  } finally {
    await plaza.kill('nats', 'SIGCONT')
  }
})

test('whoever is away gets everything on return, in order and once', async () => {
  await ben.client.disconnect()
  for (let number = 1; number <= 30; number += 1)
    await ada.client.send(conversationId, `While away ${number}`)
  const [first] = (await ada.client.talk.history(conversationId)).items
  await ada.client.talk.edit(first?.id ?? '', 'Hello dear Ben')
  await ben.client.connect()
  await eventually(() => expect(bens.messages).toHaveLength(33))
  await eventually(() => expect(bens.changed).toContain('edited 1 Hello dear Ben'))
  expect(bens.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 33 }, (_, index) => index + 1))
})

test('edits, reactions and deletions reach the other', async () => {
  const sent = await ben.client.send(conversationId, 'Tpyo')
  await ben.client.talk.edit(sent.id, 'Typo')
  await ada.client.talk.react(sent.id, '👍')
  await ben.client.talk.remove(sent.id)
  await eventually(() =>
    expect(adas.changed.slice(-3)).toEqual(['edited 34 Typo', 'reaction 34 Typo', 'deleted 34 null']),
  )
  expect((await ada.client.talk.message(sent.id)).deletedAt).not.toBeNull()
})

test('a read receipt reaches the sender and ends what is unread', async () => {
  expect((await ben.client.talk.unread()).messages).toBe(32)
  await ben.client.read(conversationId, 34)
  await eventually(() => expect(adas.receipts).toContain(34))
  await eventually(async () => expect((await ben.client.talk.unread()).messages).toBe(0))
})

test('search finds what was said, to those who talked only', async () => {
  const found = await all(ben.client.talk.search('dear'))
  expect(found.map(({ message }) => message.text)).toEqual(['Hello dear Ben'])
  const eve = await someoneNew(plaza.url, 'eve')
  expect(await all(eve.client.talk.search('dear'))).toEqual([])
  await eve.client.close()
})

test('an account that is deleted is erased everywhere, and says when it is done', async () => {
  const { erasureId } = await ben.client.account.deleteAccount(ben.password)
  await eventually(
    async () => expect((await ada.client.account.erasure(erasureId)).status).toBe('done'),
    40_000,
  )
  await eventually(() => expect(ben.client.state).toBe('ended'))
  const { items } = await ada.client.talk.history(conversationId, { limit: 100 })
  expect(items.filter(({ senderId, text }) => senderId === ben.id && text !== null)).toEqual([])
  expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 34 }, (_, index) => index + 1))
  expect(await all(ada.client.people.search(ben.username))).toEqual([])
})

test('each service that has a database shows what waits in it', async () => {
  const [port] = (await plaza.run()).services.flatMap(({ services }) => services.map(({ port }) => port))
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  for (const name of ['outbox_pending_events', 'outbox_oldest_pending_seconds', 'dead_letters'])
    for (const service of ['auth', 'user', 'message', 'relay'])
      expect(text).toContain(`${name}{service="${service}"} `)
})

test('each service counts its unexpected errors from 0 on', async () => {
  for (const process of (await plaza.run()).services)
    for (const { name, port } of process.services) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      expect(text).toContain(`unexpected_errors_total{service="${name}"} `)
    }
})

test('nothing unexpected happened', async () => {
  const { services } = await plaza.run()
  const ports = services.flatMap((process) => process.services.map(({ port }) => port))
  expect(await unexpectedErrors(ports)).toBe(0)
})
