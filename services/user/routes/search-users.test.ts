import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

/** Someone who can be found, under the name of a display name when one is given. */
async function addPerson(username: string, displayName?: string): Promise<Person> {
  const person = await world.createPerson(username)
  await person.api.api.v1.users[':userId'].profile.$put({
    param: { userId: person.id },
    json: { displayName: displayName ?? null },
  })
  return person
}

async function search(person: Person, query: string, options: { limit?: string; cursor?: string } = {}) {
  const answer = await person.api.api.v1.users.$get({ query: { query, ...options } })
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
  return await answer.json()
}
const names = async (person: Person, query: string) =>
  (await search(person, query)).items.map(({ username }) => username)

const seeker = await addPerson('seeker')

test('a username is found by its beginning, exact ones first, then first words, then later words of names', async () => {
  await addPerson('zoe.b', 'Ann Mary')
  await addPerson('annika', 'Somebody Else')
  await addPerson('ann')
  await addPerson('zoe.a', 'Mary-Ann Field')
  expect(await names(seeker, 'ann')).toEqual(['ann', 'annika', 'zoe.b', 'zoe.a'])
  expect(await names(seeker, '@ANNI')).toEqual(['annika'])
})

test('several words must all begin a word, in any order, and accents and case do not count', async () => {
  await addPerson('jose1', 'José Núñez Straße')
  await addPerson('jose2', 'Jose Smith')
  expect(await names(seeker, 'NUN jos')).toEqual(['jose1'])
  expect(await names(seeker, 'strasse')).toEqual(['jose1'])
  expect(await names(seeker, 'jose xy')).toEqual([])
  expect(await names(seeker, 'smith nunez')).toEqual([])
})

test('someone with two words that match is shown once, also across pages', async () => {
  await addPerson('kimkim', 'Kim Kimura Kim')
  await addPerson('kimberly', 'Kim')
  const first = await search(seeker, 'kim', { limit: '1' })
  const second = await search(seeker, 'kim', { limit: '1', cursor: first.nextCursor ?? '' })
  expect([...first.items, ...second.items].map(({ username }) => username)).toEqual(['kimberly', 'kimkim'])
  expect(second.nextCursor).toBeNull()
})

test('every page but the last is full though the seeker has blocked some, and nobody is missed or doubled', async () => {
  const people = await Promise.all(
    Array.from({ length: 23 }, (_, index) =>
      addPerson(`page${String(index).padStart(2, '0')}`, 'Page Person'),
    ),
  )
  const blocked = people.filter((_, index) => index % 4 === 0)
  for (const { id } of blocked) await seeker.api.api.v1.blocks[':userId'].$put({ param: { userId: id } })
  const pages: string[][] = []
  for (let cursor: string | undefined, more = true; more; ) {
    const page = await search(seeker, 'page', { limit: '5', ...(cursor ? { cursor } : {}) })
    pages.push(page.items.map(({ userId }) => userId))
    cursor = page.nextCursor ?? undefined
    more = cursor !== undefined
  }
  expect(pages.slice(0, -1).every((page) => page.length === 5)).toBe(true)
  expect(pages.flat()).toEqual(people.filter((person) => !blocked.includes(person)).map(({ id }) => id))
})

test('who has blocked the seeker is found as before', async () => {
  const blocker = await addPerson(`b${newId().slice(-10)}`)
  const before = await search(seeker, blocker.username)
  await blocker.api.api.v1.blocks[':userId'].$put({ param: { userId: seeker.id } })
  expect(before.items).toHaveLength(1)
  expect(await search(seeker, blocker.username)).toEqual(before)
})

test('a name that was changed is no longer found by its old words, nor a deleted person by any', async () => {
  const person = await addPerson(`c${newId().slice(-10)}`, 'Wilhelmina')
  await person.api.api.v1.users[':userId'].profile.$put({
    param: { userId: person.id },
    json: { displayName: 'Octavia' },
  })
  expect(await names(seeker, 'wilhel')).toEqual([])
  expect(await names(seeker, 'octav')).toEqual([person.username])
  await world.publish(world.deleted(person.id))
  await eventually(async () => expect(await names(seeker, 'octav')).toEqual([]))
})

test('a query of signs finds nobody, and a letter that unfolds into many breaks nothing', async () => {
  const long = 'ﷺ'.repeat(64)
  await addPerson(`d${newId().slice(-10)}`, long)
  expect(await names(seeker, '!? *')).toEqual([])
  expect(await names(seeker, long)).toHaveLength(1)
})

test('broken queries are refused, and strangers are', async () => {
  for (const query of [
    { query: '' },
    { query: 'x'.repeat(65) },
    { query: 'a', limit: '101' },
    { query: 'a', cursor: 'nonsense' },
    { query: 'a\0' },
  ])
    expect((await seeker.api.api.v1.users.$get({ query })).status).toBe(400)
  expect((await world.anonymous.api.v1.users.$get({ query: { query: 'a' } })).status).toBe(401)
})
