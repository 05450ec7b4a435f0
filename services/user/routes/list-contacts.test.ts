import { expect, test } from 'bun:test'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

type Query = Parameters<Person['api']['api']['v1']['contacts']['$get']>[0]['query']
async function list(person: Person, query: Query = {}) {
  const answer = await person.api.api.v1.contacts.$get({ query })
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
  return await answer.json()
}
const ids = async (person: Person, query?: Query) =>
  (await list(person, query)).items.map(({ person: { userId } }) => userId)
const ask = (person: Person, userId: string) =>
  person.api.api.v1.contacts.$post({ header: {}, json: { userId } })

test('contacts, requests sent and requests got are lists of their own', async () => {
  const [anna, ben, cleo, dora] = await Promise.all(Array.from({ length: 4 }, () => world.createPerson()))
  if (!anna || !ben || !cleo || !dora) throw new Error('four people')
  await world.connect(anna, ben)
  await ask(anna, cleo.id)
  await ask(dora, anna.id)
  expect(await ids(anna)).toEqual([ben.id])
  expect(await ids(anna, { state: 'outgoing' })).toEqual([cleo.id])
  expect(await ids(anna, { state: 'incoming' })).toEqual([dora.id])
  const [contact] = (await list(anna)).items
  expect(contact).toMatchObject({ person: { username: ben.username }, state: 'accepted' })
})

test('pages are full, the newest first, without holes or doubles', async () => {
  const anna = await world.createPerson()
  const others: string[] = []
  for (let index = 0; index < 7; index += 1) {
    const { id } = await world.createPerson()
    await ask(anna, id)
    others.unshift(id)
  }
  const first = await list(anna, { state: 'outgoing', limit: '3' })
  const second = await list(anna, { state: 'outgoing', limit: '3', cursor: first.nextCursor ?? '' })
  const third = await list(anna, { state: 'outgoing', limit: '3', cursor: second.nextCursor ?? '' })
  expect([first, second, third].map(({ items }) => items.length)).toEqual([3, 3, 1])
  expect([first, second, third].flatMap(({ items }) => items.map(({ person }) => person.userId))).toEqual(
    others,
  )
  expect(third.nextCursor).toBeNull()
})

test('broken queries and callers without a token are refused', async () => {
  const anna = await world.createPerson()
  const get = (query: string) => fetch(`${world.url}/api/v1/contacts?${query}`, { headers: anna.headers })
  for (const query of ['state=none', 'limit=0', 'limit=101', 'cursor=x'])
    expect((await get(query)).status).toBe(400)
  expect((await world.anonymous.api.v1.contacts.$get({ query: {} })).status).toBe(401)
})
