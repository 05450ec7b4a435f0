import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import type { TestUser } from '@plaza/kit/testing'
import { z } from 'zod'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const Hits = z.object({
  items: z.array(
    z.object({ message: Message, snippet: z.array(z.object({ text: z.string(), match: z.boolean() })) }),
  ),
  nextCursor: z.string().nullable(),
})
const search = async (user: TestUser, query: string, rest = '') =>
  await parse(
    Hits,
    await world.ask(user, 'GET', `/api/v1/search/messages?query=${encodeURIComponent(query)}${rest}`),
  )
const textsOf = (hits: z.infer<typeof Hits>) => hits.items.map(({ message }) => message.text)

test('both people find a message by its words at once, with the matching part shown', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'The tickets for the THEATRE are here')
  for (const user of [ann, ben]) {
    const { items } = await search(user, 'theatre')
    expect(items.map(({ message }) => message)).toEqual([sent])
    expect(items[0]?.snippet.filter(({ match }) => match)).toEqual([{ text: 'THEATRE', match: true }])
    expect(items[0]?.snippet.map(({ text }) => text).join('')).toBe(sent.text ?? '')
  }
})

test('the better match comes first, and pages follow on without a gap or a repeat', async () => {
  const { ann, conversation } = await world.pair()
  await world.send(ann, conversation.id, 'apple and a long tail of other words that mean nothing at all here')
  for (let n = 0; n < 7; n += 1) await world.send(ann, conversation.id, `apple number ${n} and this`)
  await world.send(ann, conversation.id, 'apple apple')
  const whole = textsOf(await search(ann, 'apple'))
  expect(whole).toHaveLength(9)
  expect(whole[0]).toBe('apple apple')
  expect(whole.at(-1)).toStartWith('apple and a long tail')
  const walked: (string | null)[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: z.infer<typeof Hits> = await search(ann, 'apple', `&limit=2${cursor && `&cursor=${cursor}`}`)
    walked.push(...textsOf(page))
    cursor = page.nextCursor
  }
  expect(walked).toEqual(whole)
})

test('phrases, exclusions and one conversation', async () => {
  const ann = await world.createUser()
  const [one, two] = [
    await world.open(ann, await world.createUser()),
    await world.open(ann, await world.createUser()),
  ]
  await world.send(ann, one.id, 'red green blue')
  await world.send(ann, two.id, 'green red yellow')
  expect(textsOf(await search(ann, '"red green"'))).toEqual(['red green blue'])
  expect(textsOf(await search(ann, 'red -blue'))).toEqual(['green red yellow'])
  expect(textsOf(await search(ann, 'red', `&conversationId=${one.id}`))).toEqual(['red green blue'])
  expect(textsOf(await search(ann, '!!! ()'))).toEqual([])
})

test('an edit is found by its new words only, a deleted message not at all', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'oldword')
  expect(textsOf(await search(ann, 'oldword'))).toEqual(['oldword'])
  await world.ask(ann, 'PATCH', `/api/v1/messages/${sent.id}`, { text: 'newword' })
  expect(textsOf(await search(ann, 'oldword'))).toEqual([])
  expect(textsOf(await search(ann, 'newword'))).toEqual(['newword'])
  await world.ask(ann, 'DELETE', `/api/v1/messages/${sent.id}`)
  expect(await world.db`select from search_documents where message_id = ${sent.id}`).toHaveLength(0)
  expect(textsOf(await search(ann, 'newword'))).toEqual([])
})

test('nobody finds what is not theirs, not even by naming their own id in it, nor what is encrypted', async () => {
  const { ann, conversation } = await world.pair()
  const eve = await world.createUser()
  await world.send(ann, conversation.id, `hidden @${eve.id} ${eve.id}`)
  await world.post(ann, conversation.id, {
    envelope: { algorithm: 'hidden', ciphertexts: [{ deviceId: 'hidden', body: 'aGlkZGVu' }] },
  })
  expect(textsOf(await search(ann, 'hidden'))).toHaveLength(1)
  expect(textsOf(await search(eve, 'hidden'))).toEqual([])
  expect(textsOf(await search(eve, eve.id))).toEqual([])
})

test('many searches at once over shared conversations all find everything', async () => {
  const { ann, ben, conversation } = await world.pair()
  const more = await world.open(ann, await world.createUser())
  for (let n = 0; n < 20; n += 1) await world.send(ann, n % 2 ? conversation.id : more.id, `shared ${n}`)
  const found = await Promise.all([ann, ben, ann, ben, ann, ben].map((user) => search(user, 'shared')))
  expect(found.map(({ items }) => items.length)).toEqual([20, 10, 20, 10, 20, 10])
})

test('400 without words or with a foreign cursor, 401 without a token, 404 for a foreign conversation', async () => {
  const { ann, conversation } = await world.pair()
  await expectProblem(world.ask(ann, 'GET', '/api/v1/search/messages'), 400)
  await expectProblem(
    world.ask(ann, 'GET', '/api/v1/search/messages?query=a&cursor=xyz'),
    400,
    'cursor_invalid',
  )
  await expectProblem(world.ask(ann, 'GET', '/api/v1/search/messages?query=a%00b'), 400)
  await expectProblem(world.ask(undefined, 'GET', '/api/v1/search/messages?query=a'), 401)
  const foreign = `/api/v1/search/messages?query=a&conversationId=`
  await expectProblem(world.ask(await world.createUser(), 'GET', foreign + conversation.id), 404)
  await expectProblem(world.ask(ann, 'GET', foreign + newId()), 404)
})
