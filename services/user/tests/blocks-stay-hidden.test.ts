import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { type Person, startWorld } from './_world.ts'

const world = await startWorld(import.meta.path)
const pair = async () => [await world.createPerson(), await world.createPerson()] as const
const block = (person: Person, other: Person) =>
  person.api.api.v1.blocks[':userId'].$put({ param: { userId: other.id } })
const ask = (person: Person, other: Person, key = newId()) =>
  person.api.api.v1.contacts.$post({ header: { 'idempotency-key': key }, json: { userId: other.id } })

/** Everything that this service shows a person about another, and about themselves. */
async function viewOf(person: Person, other: Person) {
  const { contacts, users, blocks, me } = person.api.api.v1
  const answers = await Promise.all([
    contacts.$get({ query: { state: 'accepted' } }),
    contacts.$get({ query: { state: 'incoming' } }),
    contacts.$get({ query: { state: 'outgoing' } }),
    contacts.changes.$get({ query: {} }),
    blocks.$get({ query: {} }),
    me.privacy.$get(),
    users.$get({ query: { query: other.username } }),
    users[':userId'].profile.$get({ param: { userId: other.id } }),
  ])
  return await Promise.all(
    answers.map(async (answer) => ({ status: answer.status, body: await answer.json() })),
  )
}
/** What an answer shows when the people and times in it are taken away. */
async function shapeOf(answer: { status: number; json(): Promise<unknown>; headers: Headers }) {
  const body = JSON.stringify(await answer.json())
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
    .replaceAll(/"username":"[^"]*"/g, '"username"')
    .replaceAll(/"\d{4}-\d\d-\d\dT[^"]*"/g, 'time')
  return { status: answer.status, body, headers: [...answer.headers.keys()].sort() }
}
const eventsTo = async (person: Person) => {
  const rows = await world.sql<{ subject: string }[]>`
    select subject from outbox where recipients like ${`%${person.id}%`} order by created_at, id`
  return rows.map(({ subject }) => subject)
}

test('a contact who is blocked sees all as before and gets no event', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  const before = await viewOf(ben, anna)
  const events = await eventsTo(ben)
  await block(anna, ben)
  expect(await viewOf(ben, anna)).toEqual(before)
  expect(await eventsTo(ben)).toEqual(events)
})

test('who was asked by someone who then blocks them still sees the request, and accepting it answers as ever', async () => {
  const [[anna, ben], [cleo, dora]] = [await pair(), await pair()]
  await ask(anna, ben)
  await ask(cleo, dora)
  const before = await viewOf(ben, anna)
  await block(anna, ben)
  expect(await viewOf(ben, anna)).toEqual(before)
  const accept = (person: Person, other: Person) =>
    person.api.api.v1.contacts[':userId'].accept.$post({ param: { userId: other.id } })
  expect(await shapeOf(await accept(ben, anna))).toEqual(await shapeOf(await accept(dora, cleo)))
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'none', blocked: true })
  expect(await eventsTo(anna)).not.toContain(`evt.contact.accepted.${anna.id}`)
})

test('a blocked person who asks gets the answer of an unanswered request, and it reaches nobody', async () => {
  const [[anna, ben], [cleo, dora]] = [await pair(), await pair()]
  await block(anna, ben)
  const told = await eventsTo(anna)
  const key = newId()
  const asked = await shapeOf(await ask(ben, anna, key))
  expect(asked).toEqual(await shapeOf(await ask(dora, cleo, key)))
  expect(asked.status).toBe(201)
  expect(await shapeOf(await ask(ben, anna))).toEqual(await shapeOf(await ask(dora, cleo)))
  expect(await eventsTo(anna)).toEqual(told)
  expect(await world.viewOf(anna, ben)).toEqual({ state: 'none', blocked: true, version: 1 })
  expect(await eventsTo(ben)).toEqual([`evt.contact.requested.${ben.id}`])
  const [sent] = (await viewOf(ben, anna)).slice(2)
  expect(sent?.body).toMatchObject({ items: [{ person: { userId: anna.id }, state: 'outgoing' }] })
})

test('a request from before the block stays unanswered for the asker, also after the block has ended', async () => {
  const [anna, ben] = await pair()
  await ask(ben, anna)
  const before = await viewOf(ben, anna)
  await block(anna, ben)
  await anna.api.api.v1.blocks[':userId'].$delete({ param: { userId: ben.id } })
  expect(await viewOf(ben, anna)).toEqual(before)
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'none', blocked: false })
})

test('someone blocked who removes the contact gets the answer of any contact', async () => {
  const [anna, ben] = await pair()
  await world.connect(anna, ben)
  await block(anna, ben)
  const removed = await ben.api.api.v1.contacts[':userId'].$delete({ param: { userId: anna.id } })
  expect(removed.status).toBe(204)
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'none', blocked: true, version: 4 })
})

test('a block and an acceptance at once end in a block that no contact survives in', async () => {
  const pairs = await Promise.all(Array.from({ length: 20 }, pair))
  await Promise.all(pairs.map(([anna, ben]) => ask(anna, ben)))
  await Promise.all(
    pairs.flatMap(([anna, ben]) => [
      ben.api.api.v1.contacts[':userId'].accept.$post({ param: { userId: anna.id } }),
      block(anna, ben),
    ]),
  )
  for (const [anna, ben] of pairs) {
    expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'none', blocked: true })
    expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'accepted', blocked: false })
    const last = world
      .toldOf(anna, ben)
      .sort((a, b) => Number(a.version) - Number(b.version))
      .at(-1)
    expect(last).toMatchObject({ blocked: true, contact: false })
  }
})

test('many changes among few people at once neither deadlock nor lose a version', async () => {
  const people = await Promise.all(Array.from({ length: 4 }, () => world.createPerson()))
  const acts = [
    ask,
    block,
    (a: Person, b: Person) => a.api.api.v1.contacts[':userId'].$delete({ param: { userId: b.id } }),
  ]
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, index) => {
      const from = people[index % 4]
      const to = people[(index + 1 + (index % 3)) % 4]
      const act = acts[index % acts.length]
      if (!from || !to || !act) throw new Error('four people and three acts')
      return act(from, to)
    }),
  )
  for (const { status } of answers) expect([200, 201, 204, 404, 409]).toContain(status)
  for (const { id } of people) {
    const versions = await eventually(async () => {
      const events = (await world.deps.events('USER')).filter((event) => event.subject === id)
      const [person] = await world.sql`select relations_version as version from people where user_id = ${id}`
      expect(events).toHaveLength(person?.version)
      return events.map((event) => event.version ?? 0).sort((a, b) => a - b)
    })
    expect(versions).toEqual(versions.map((_, index) => index + 1))
  }
})
