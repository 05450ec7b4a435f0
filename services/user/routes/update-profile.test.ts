import { expect, test } from 'bun:test'
import { Profile } from '../schema.ts'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

type Edit = Parameters<Person['api']['api']['v1']['users'][':userId']['profile']['$put']>[0]['json']
const update = (person: Person, json: Edit, userId = person.id) =>
  person.api.api.v1.users[':userId'].profile.$put({ param: { userId }, json })

const full = {
  displayName: ' Anna  Smith ',
  bio: 'two\nlines',
  avatar: 'https://example.org/a.png',
  age: 31,
  gender: 'woman',
  favouriteStyle: 'cubism',
  fields: { Town: 'Oslo' },
}

test('a profile is stored and its event goes to the own devices alone', async () => {
  const anna = await world.createPerson()
  const answer = await update(anna, full)
  expect(answer.status).toBe(200)
  const profile = Profile.parse(await answer.json())
  expect(profile).toMatchObject({ ...full, displayName: 'Anna  Smith', version: 2 })
  const [row] = await world.sql`select display_name, fields, version from people where user_id = ${anna.id}`
  expect(row).toMatchObject({ displayName: 'Anna  Smith', fields: { Town: 'Oslo' }, version: 2 })
  const [event] = await world.eventsOf('profile.updated', anna.id)
  expect(event).toMatchObject({ version: 2, actor: anna.id, data: profile })
  expect(await world.recipientsOf('profile.updated', anna.id)).toEqual([anna.id])
})

test('a field left out stays, null empties, and what is counted cannot be set', async () => {
  const anna = await world.createPerson()
  await update(anna, full)
  const body = { bio: null, totalPosts: 99, username: 'other', version: 50, role: 'admin' }
  const profile = Profile.parse(await (await update(anna, body)).json())
  expect(profile).toMatchObject({ age: 31, bio: null, totalPosts: 0, username: anna.username, version: 3 })
})

test('two devices that change different fields at once lose nothing', async () => {
  const anna = await world.createPerson()
  await update(anna, { age: 1 })
  const edits: Edit[] = [
    { bio: 'b' },
    { gender: 'g' },
    { age: 2 },
    { favouriteStyle: 's' },
    { displayName: 'd' },
  ]
  for (const answer of await Promise.all(edits.map((edit) => update(anna, edit))))
    expect(answer.status).toBe(200)
  const [row] = await world.sql`
    select bio, gender, age, favourite_style, display_name, version from people where user_id = ${anna.id}`
  expect(row).toEqual({ bio: 'b', gender: 'g', age: 2, favouriteStyle: 's', displayName: 'd', version: 7 })
})

test("another's profile cannot be changed", async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  expect((await update(ben, { bio: 'mine now' }, anna.id)).status).toBe(403)
})

test('nobody changes a profile without a token', async () => {
  const anna = await world.createPerson()
  expect((await update({ ...anna, api: world.anonymous }, { bio: 'x' })).status).toBe(401)
})

const tooMany = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`f${index}`, 'x']))
test.each<[string, Edit]>([
  ['an empty name', { displayName: '' }],
  ['a name of two lines', { displayName: 'a\nb' }],
  ['a name that does not show', { displayName: '\u3164\u200b' }],
  ['a name that turns the direction of the text', { displayName: 'anna\u202e' }],
  ['a name that is too long', { displayName: 'x'.repeat(65) }],
  ['NUL', { bio: 'x\0' }],
  ['a lone surrogate', { bio: '\ud800' }],
  ['a bio that is too long', { bio: 'x'.repeat(1_001) }],
  ['too great an age', { age: 151 }],
  ['an age in fractions', { age: 1.5 }],
  ['an avatar that is a script', { avatar: 'javascript:alert(1)' }],
  ['an avatar in the clear', { avatar: 'http://example.org/a.png' }],
  ['too many fields', { fields: tooMany }],
  ['a field that a record cannot hold', { fields: JSON.parse('{"__proto__":"x"}') }],
  ['two fields whose names are the same when tidied', { fields: { city: 'Oslo', 'city ': 'Bergen' } }],
  ['fields that are none', { fields: JSON.parse('null') }],
  ['a field that is too long', { fields: { x: 'y'.repeat(201) } }],
])('%s is refused', async (_, edit) => {
  const anna = await world.createPerson()
  expect((await update(anna, edit)).status).toBe(400)
})
