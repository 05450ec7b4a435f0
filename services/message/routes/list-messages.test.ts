import { expect, test } from 'bun:test'
import type { TestUser } from '@plaza/kit/testing'
import { z } from 'zod'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const History = z.object({
  items: z.array(Message),
  before: z.int().nullable(),
  after: z.int().nullable(),
})
const target = (id: string, query = '') => `/api/v1/conversations/${id}/messages?${query}`
const history = async (user: TestUser, id: string, query = '') => {
  const { items, before, after } = await parse(History, await world.ask(user, 'GET', target(id, query)))
  return { seqs: items.map(({ seq }) => seq), before, after }
}
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)
const written = async (count: number) => {
  const made = await world.pair()
  for (let n = 1; n <= count; n += 1) await world.send(made.ann, made.conversation.id, `text ${n}`)
  return { ...made, id: made.conversation.id }
}

test('the latest, before, after and around', async () => {
  const { ben, id } = await written(10)
  expect(await history(ben, id, 'limit=4')).toEqual({ seqs: [7, 8, 9, 10], before: 7, after: null })
  expect(await history(ben, id, 'limit=4&before=7')).toEqual({ seqs: [3, 4, 5, 6], before: 3, after: 6 })
  expect(await history(ben, id, 'limit=4&before=3')).toEqual({ seqs: [1, 2], before: null, after: 2 })
  expect(await history(ben, id, 'limit=4&after=5')).toEqual({ seqs: [6, 7, 8, 9], before: 6, after: 9 })
  expect(await history(ben, id, 'limit=4&after=9')).toEqual({ seqs: [10], before: 10, after: null })
  expect(await history(ben, id, 'limit=4&around=5')).toEqual({ seqs: [4, 5, 6, 7], before: 4, after: 7 })
  expect(await history(ben, id, 'limit=4&around=1')).toEqual({ seqs: [1, 2, 3, 4], before: null, after: 4 })
  expect(await history(ben, id, 'limit=4&around=99')).toEqual({ seqs: [7, 8, 9, 10], before: 7, after: null })
  expect((await history(ben, id, 'after=10')).seqs).toEqual([])
  expect((await history(ben, id, 'before=1')).seqs).toEqual([])
  expect((await history(ben, id, 'before=0')).seqs).toEqual([])
})

test('walking either way meets every message once, also while new ones come', async () => {
  const { ann, id } = await written(23)
  const back: number[] = []
  for (let before: number | null = 24; before !== null; ) {
    const page = await history(ann, id, `limit=5&before=${before}`)
    back.unshift(...page.seqs)
    before = page.before
    await world.send(ann, id, 'meanwhile')
  }
  expect(back).toEqual(range(1, 23))
  const forth: number[] = []
  for (let after: number | null = 0; after !== null; ) {
    const page = await history(ann, id, `limit=5&after=${after}`)
    forth.push(...page.seqs)
    after = page.after
  }
  expect(forth).toEqual(range(1, 28))
})

test('an empty conversation has an empty history', async () => {
  const { ann, conversation } = await world.pair()
  expect(await history(ann, conversation.id)).toEqual({ seqs: [], before: null, after: null })
})

test('400 for two places or nonsense, 401 without a token, 404 for a stranger', async () => {
  const { ann, id } = await written(1)
  for (const query of ['before=1&after=1', 'limit=101', 'limit=0', 'before=x', 'around=-1', 'before='])
    await expectProblem(world.ask(ann, 'GET', target(id, query)), 400)
  await expectProblem(world.ask(undefined, 'GET', target(id)), 401)
  await expectProblem(world.ask(await world.createUser(), 'GET', target(id)), 404)
})
