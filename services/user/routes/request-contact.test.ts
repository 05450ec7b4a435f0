import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { Contact } from '../schema.ts'
import { type Person, startWorld } from '../tests/_world.ts'

const most = 3
const world = await startWorld(import.meta.path, { MAX_OUTGOING_REQUESTS: String(most) })

const ask = (person: Person, userId: string, key?: string) =>
  person.api.api.v1.contacts.$post({ header: key ? { 'idempotency-key': key } : {}, json: { userId } })
const pair = async () => [await world.createPerson(), await world.createPerson()] as const

test('a request stands in both views, and each side gets its own event', async () => {
  const [anna, ben] = await pair()
  const answer = await ask(anna, ben.id)
  expect(answer.status).toBe(201)
  const contact = Contact.parse(await answer.json())
  expect(contact).toMatchObject({
    person: { userId: ben.id, username: ben.username },
    state: 'outgoing',
    version: 1,
  })
  expect(await world.viewOf(anna, ben)).toEqual({ state: 'outgoing', blocked: false, version: 1 })
  expect(await world.viewOf(ben, anna)).toEqual({ state: 'incoming', blocked: false, version: 1 })
  const [sent] = await world.eventsOf('contact.requested', anna.id)
  const [received] = await world.eventsOf('contact.requested', ben.id)
  expect(sent).toMatchObject({
    version: 1,
    actor: anna.id,
    data: { userId: anna.id, otherId: ben.id, state: 'outgoing', blocked: false, version: 1 },
  })
  expect(received?.data).toEqual({
    userId: ben.id,
    otherId: anna.id,
    state: 'incoming',
    blocked: false,
    version: 1,
  })
  expect(await world.recipientsOf('contact.requested', anna.id)).toEqual([anna.id])
  expect(await world.recipientsOf('contact.requested', ben.id)).toEqual([ben.id])
})

test('asking someone who has asked makes both contacts and tells message of both', async () => {
  const [anna, ben] = await pair()
  await ask(anna, ben.id)
  const answer = await ask(ben, anna.id)
  expect(answer.status).toBe(201)
  expect(Contact.parse(await answer.json()).state).toBe('accepted')
  expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'accepted', version: 2 })
  await world.eventsOf('contact.accepted', anna.id)
  await world.eventsOf('contact.accepted', ben.id)
  expect(world.toldOf(anna, ben)).toMatchObject([{ contact: true, blocked: false, version: 2 }])
  expect(world.toldOf(ben, anna)).toMatchObject([{ contact: true, blocked: false, version: 2 }])
})

test('two people who ask each other at once become contacts', async () => {
  const pairs = await Promise.all(Array.from({ length: 20 }, pair))
  await Promise.all(pairs.flatMap(([anna, ben]) => [ask(anna, ben.id), ask(ben, anna.id)]))
  for (const [anna, ben] of pairs) {
    expect(await world.viewOf(anna, ben)).toMatchObject({ state: 'accepted', version: 2 })
    expect(await world.viewOf(ben, anna)).toMatchObject({ state: 'accepted', version: 2 })
  }
})

test('asking again changes nothing and answers the same contact', async () => {
  const [anna, ben] = await pair()
  const first = await (await ask(anna, ben.id)).json()
  const again = await ask(anna, ben.id)
  expect(again.status).toBe(200)
  expect(await again.json()).toEqual(first)
  expect(await world.eventsOf('contact.requested', ben.id)).toHaveLength(1)
})

test('a repeated Idempotency-Key gets the first answer again, and another body with it is refused', async () => {
  const [anna, ben] = await pair()
  const key = newId()
  const first = await ask(anna, ben.id, key)
  const again = await ask(anna, ben.id, key)
  expect(again.status).toBe(201)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await again.json()).toEqual(await first.json())
  expect<number>((await ask(anna, newId(), key)).status).toBe(422)
})

test('with message away a repeat with the same key accepts and tells message', async () => {
  const [anna, ben] = await pair()
  await ask(anna, ben.id)
  const key = newId()
  world.message.status = 503
  const away = await ask(ben, anna.id, key)
  world.message.status = 204
  expect<number>(away.status).toBe(503)
  const again = await ask(ben, anna.id, key)
  expect(Contact.parse(await again.json()).state).toBe('accepted')
  expect(world.toldOf(ben, anna)).toHaveLength(1)
  expect(world.toldOf(anna, ben)).toHaveLength(1)
})

test('a request needs no message service', async () => {
  const [anna, ben] = await pair()
  world.message.status = 503
  const answer = await ask(anna, ben.id)
  world.message.status = 204
  expect(answer.status).toBe(201)
})

test('too many unanswered requests are limited, also when all come at once, and withdrawing makes room', async () => {
  const anna = await world.createPerson()
  const others = await Promise.all(Array.from({ length: most + 3 }, () => world.createPerson()))
  const answers = await Promise.all(others.map(({ id }) => ask(anna, id)))
  const statuses = answers.map(({ status }) => status as number).sort()
  expect(statuses).toEqual([201, 201, 201, 429, 429, 429])
  const asked = others.find((_, index) => answers[index]?.status === 201)
  const refused = others.find((_, index) => answers[index]?.status !== 201)
  await anna.api.api.v1.contacts[':userId'].$delete({ param: { userId: asked?.id ?? '' } })
  expect((await ask(anna, refused?.id ?? '')).status).toBe(201)
})

test('who is asked, refuses and is asked anew hears of three requests a day; the answers tell of no refusal and no block', async () => {
  const askAnew = async (from: Person, to: Person, after: () => Promise<unknown>) => {
    const statuses: number[] = []
    for (let round = 0; round < 6; round += 1) {
      statuses.push((await ask(from, to.id)).status)
      await after()
      await from.api.api.v1.contacts[':userId'].$delete({ param: { userId: to.id } })
    }
    return statuses
  }
  const expected = [201, 201, 201, 429, 429, 429]
  const [[anna, ben], [cleo, dora], [eve, fred]] = [await pair(), await pair(), await pair()]
  const refuse = () => ben.api.api.v1.contacts[':userId'].refuse.$post({ param: { userId: anna.id } })
  expect(await askAnew(anna, ben, refuse)).toEqual(expected)
  expect(await world.viewOf(ben, anna)).toMatchObject({ version: 6 })
  await dora.api.api.v1.blocks[':userId'].$put({ param: { userId: cleo.id } })
  expect(await askAnew(cleo, dora, async () => {})).toEqual(expected)
  expect(await askAnew(eve, fred, async () => {})).toEqual(expected)
  const limited = await ask(anna, ben.id)
  expect(await limited.json()).toMatchObject({ code: 'limited', reason: 'asked_too_often' })
  expect((await ask(ben, anna.id)).status).toBe(201)
  expect((await ask(anna, ben.id)).status).toBe(201)
})

test('a day later the same person can be asked again', async () => {
  const [anna, ben] = await pair()
  for (const status of [201, 201, 201, 429]) {
    expect<number>((await ask(anna, ben.id)).status).toBe(status)
    await anna.api.api.v1.contacts[':userId'].$delete({ param: { userId: ben.id } })
  }
  await world.sql`update contact_asks set since = since - interval '25 hours' where owner_id = ${anna.id}`
  expect((await ask(anna, ben.id)).status).toBe(201)
})

test('asking oneself, nobody, someone one has blocked, with broken ids or without a token is refused', async () => {
  const [anna, ben] = await pair()
  expect<number>((await ask(anna, anna.id)).status).toBe(400)
  expect<number>((await ask(anna, 'ben')).status).toBe(400)
  expect<number>((await ask(anna, newId())).status).toBe(404)
  expect<number>((await ask({ ...anna, api: world.anonymous }, ben.id)).status).toBe(401)
  await anna.api.api.v1.blocks[':userId'].$put({ param: { userId: ben.id } })
  expect<number>((await ask(anna, ben.id)).status).toBe(409)
})
