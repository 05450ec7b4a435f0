import { expect, test } from 'bun:test'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('a relation is stored, twice as once, and moves to a higher version only', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  await world.relate(ann, ben, { blocked: true }, 2)
  await world.relate(ann, ben, { blocked: true }, 2)
  await world.relate(ann, ben, { contact: true }, 1)
  const rows = await world.db`select blocked, contact, version from relations where owner_id = ${ann.id}`
  expect([...rows]).toEqual([{ blocked: true, contact: false, version: 2 }])
})

test('400 for nonsense', () =>
  expectProblem(world.askAs('user', 'PUT', '/internal/v1/relations', { version: -1 }), 400))

test('only services may call it', async () => {
  await expectProblem(world.ask(await world.createUser(), 'PUT', '/internal/v1/relations', {}), 401)
})
