import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('settings are stored, twice as once, and move to a higher version only', async () => {
  const ann = await world.createUser()
  await world.setPrivacy(ann, { whoMayWrite: 'contacts' }, 2)
  await world.setPrivacy(ann, { whoMayWrite: 'contacts' }, 2)
  await world.setPrivacy(ann, { whoMayWrite: 'nobody' }, 1)
  const rows = await world.db`select who_may_write, version from privacy where user_id = ${ann.id}`
  expect([...rows]).toEqual([{ whoMayWrite: 'contacts', version: 2 }])
})

test('400 for nonsense', () =>
  expectProblem(world.askAs('user', 'PUT', '/internal/v1/privacy', { version: -1 }), 400))

test('only services may call it', async () => {
  await expectProblem(world.ask(await world.createUser(), 'PUT', '/internal/v1/privacy', {}), 401)
})
