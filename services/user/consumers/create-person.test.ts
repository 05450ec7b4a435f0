import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually } from '@plaza/kit/testing'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)
const rowOf = async ({ id }: Person) => {
  const [row] =
    await world.sql`select username, display_name, version, erased_at from people where user_id = ${id}`
  return row
}
const taken = (eventId: string) =>
  eventually(async () =>
    expect(
      await world.sql`select from inbox where consumer = 'user-create-person' and event_id = ${eventId}`,
    ).toHaveLength(1),
  )

test('who registers has a profile and is found without ever having called', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await world.publish(world.registered(anna))
  await eventually(async () =>
    expect(await rowOf(anna)).toMatchObject({ username: anna.username, version: 1 }),
  )
  const found = await ben.api.api.v1.users.$get({ query: { query: anna.username } })
  expect(await found.json()).toMatchObject({ items: [{ userId: anna.id }] })
})

test('the same registration again, or after the profile was filled in, changes nothing', async () => {
  const anna = await world.createPerson()
  const news = world.registered(anna)
  await world.publish(news)
  await taken(news.event.id)
  await anna.api.api.v1.users[':userId'].profile.$put({
    param: { userId: anna.id },
    json: { displayName: 'Anna' },
  })
  await world.publish({ ...news, event: { ...news.event, id: newId() } })
  const again = world.registered(anna)
  await world.publish(again)
  await taken(again.event.id)
  expect(await rowOf(anna)).toMatchObject({ username: anna.username, displayName: 'Anna', version: 2 })
})

test('a registration that comes after the deletion brings nobody back', async () => {
  const anna = await world.createPerson()
  await world.publish(world.deleted(anna.id))
  await eventually(async () => expect((await rowOf(anna))?.erasedAt).toBeInstanceOf(Date))
  const late = world.registered(anna)
  await world.publish(late)
  await taken(late.event.id)
  expect(await rowOf(anna)).toMatchObject({ username: null })
  const profile = await anna.api.api.v1.users[':userId'].profile.$get({ param: { userId: anna.id } })
  expect(profile.status).toBe(401)
})

test('an event that makes no sense holds up no other', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  const poison = world.registered({ id: ben.id, username: ben.username })
  await world.publish({ ...poison, event: { ...poison.event, data: { userId: 'nobody' } } })
  await world.publish(world.registered(anna))
  await eventually(async () => expect(await rowOf(anna)).toBeDefined())
  await eventually(async () => {
    const [failure] = await world.sql`select consumer from inbox_failures where event_id = ${poison.event.id}`
    expect(failure?.consumer).toBe('user-create-person')
  })
})
