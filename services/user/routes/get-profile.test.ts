import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { Profile } from '../schema.ts'
import { startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const show = (api: typeof world.anonymous, userId: string) =>
  api.api.v1.users[':userId'].profile.$get({ param: { userId } })

test('the own profile is there before the news of the registration has come', async () => {
  const anna = await world.createPerson()
  const answer = await show(anna.api, anna.id)
  expect(answer.status).toBe(200)
  const profile = Profile.parse(await answer.json())
  expect(profile).toMatchObject({ userId: anna.id, username: anna.username, totalPosts: 0, version: 1 })
  expect(await world.sql`select username from people where user_id = ${anna.id}`).toHaveLength(1)
})

test("another's profile looks the same to everybody, also before its news has come", async () => {
  const [anna, ben, cleo] = [
    await world.createPerson(),
    await world.createPerson(),
    await world.createPerson(),
  ]
  const seen = await (await show(ben.api, anna.id)).json()
  expect(seen).toEqual(await (await show(cleo.api, anna.id)).json())
  expect(Profile.parse(seen).userId).toBe(anna.id)
})

test('an id of nobody is not found', async () => {
  const anna = await world.createPerson()
  expect((await show(anna.api, newId())).status).toBe(404)
})

test('an id that is none is refused', async () => {
  const anna = await world.createPerson()
  expect((await show(anna.api, 'me')).status).toBe(400)
})

test('nobody reads profiles without a token, nor with one of an account that auth does not know', async () => {
  const anna = await world.createPerson()
  expect((await show(world.anonymous, anna.id)).status).toBe(401)
  world.accounts.delete(anna.id)
  expect((await show(anna.api, anna.id)).status).toBe(401)
})
