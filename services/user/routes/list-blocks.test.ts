import { expect, test } from 'bun:test'
import { startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

test('the blocked are listed to the blocker alone, the latest first, in full pages', async () => {
  const anna = await world.createPerson()
  const blocked: string[] = []
  for (let index = 0; index < 3; index += 1) {
    const { id } = await world.createPerson()
    await anna.api.api.v1.blocks[':userId'].$put({ param: { userId: id } })
    blocked.unshift(id)
  }
  const list = async (cursor?: string) => {
    const query = { limit: '2', ...(cursor ? { cursor } : {}) }
    const answer = await anna.api.api.v1.blocks.$get({ query })
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
    return await answer.json()
  }
  const first = await list()
  const second = await list(first.nextCursor ?? '')
  expect(first.items).toHaveLength(2)
  expect([...first.items, ...second.items].map(({ person }) => person.userId)).toEqual(blocked)
  expect(second.nextCursor).toBeNull()
  const other = await world.createPerson()
  expect(await (await other.api.api.v1.blocks.$get({ query: {} })).json()).toEqual({
    items: [],
    nextCursor: null,
  })
})

test('broken cursors and callers without a token are refused', async () => {
  const anna = await world.createPerson()
  expect((await anna.api.api.v1.blocks.$get({ query: { cursor: 'x' } })).status).toBe(400)
  expect((await world.anonymous.api.v1.blocks.$get({ query: {} })).status).toBe(401)
})
