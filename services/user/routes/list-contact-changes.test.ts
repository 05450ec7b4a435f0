import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

async function changes(person: Person, after: number, limit = 100) {
  const query = { after: String(after), limit: String(limit) }
  const answer = await person.api.api.v1.contacts.changes.$get({ query })
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
  return await answer.json()
}
const ask = (person: Person, userId: string) =>
  person.api.api.v1.contacts.$post({ header: {}, json: { userId } })

test('each relation comes once in its present state, removals and blocks included', async () => {
  const [anna, ben, cleo] = [
    await world.createPerson(),
    await world.createPerson(),
    await world.createPerson(),
  ]
  await world.connect(anna, ben)
  await ask(anna, cleo.id)
  const known = await changes(anna, 0)
  expect(known).toMatchObject({ items: [{ userId: ben.id }, { userId: cleo.id }], version: 3, more: false })
  await anna.api.api.v1.contacts[':userId'].$delete({ param: { userId: ben.id } })
  await anna.api.api.v1.blocks[':userId'].$put({ param: { userId: cleo.id } })
  const later = await changes(anna, known.version)
  expect(later.items).toMatchObject([
    { userId: ben.id, person: { username: ben.username }, state: 'none', blocked: false, version: 4 },
    { userId: cleo.id, state: 'none', blocked: true, version: 6 },
  ])
  expect(await changes(anna, later.version)).toEqual({ items: [], version: later.version, more: false })
})

test('a device that pages through sees everything once and ends at the counter', async () => {
  const anna = await world.createPerson()
  for (let index = 0; index < 5; index += 1) await ask(anna, (await world.createPerson()).id)
  const seen: string[] = []
  let after = 0
  for (let more = true; more; ) {
    const page = await changes(anna, after, 2)
    seen.push(...page.items.map(({ userId }) => userId))
    after = page.version
    more = page.more
  }
  expect(new Set(seen).size).toBe(5)
  const counters = await world.service.internal.v1.users[':userId'].counters.$get({
    param: { userId: anna.id },
  })
  expect(await counters.json()).toEqual({ contacts: after })
})

test('a contact who was deleted comes as removed, without a name', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await world.connect(anna, ben)
  const { version } = await changes(anna, 0)
  await world.publish(world.deleted(ben.id))
  await eventually(async () =>
    expect((await changes(anna, version)).items).toEqual([
      { userId: ben.id, person: null, state: 'none', blocked: false, version: version + 1 },
    ]),
  )
})

test('broken queries and callers without a token are refused', async () => {
  const anna = await world.createPerson()
  const get = (query: string) =>
    fetch(`${world.url}/api/v1/contacts/changes?${query}`, { headers: anna.headers })
  for (const query of ['after=-1', 'after=x', 'after=', 'limit=1000'])
    expect((await get(query)).status).toBe(400)
  expect((await world.anonymous.api.v1.contacts.changes.$get({ query: {} })).status).toBe(401)
})
