import { expect, test } from 'bun:test'
import { z } from 'zod'
import { Conversation } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const List = z.object({ items: z.array(Conversation), nextCursor: z.string().nullable() })
const target = '/api/v1/conversations'

test('conversations by their last message, each with it and with what is unread, in pages', async () => {
  const ann = await world.createUser()
  const ids: string[] = []
  for (let n = 0; n < 7; n += 1) ids.push((await world.open(ann, await world.createUser())).id)
  const peer = await world.createUser()
  const talk = await world.open(peer, ann)
  for (const id of ids) await world.send(ann, id, `to ${id}`)
  const last = await world.send(peer, talk.id, 'latest')
  const first = await parse(List, await world.ask(ann, 'GET', `${target}?limit=1`))
  expect(first.items).toMatchObject([{ id: talk.id, unread: 1, seq: 1, updatedAt: last.createdAt }])
  expect(first.items[0]?.lastMessage).toEqual(last)
  const walked: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: z.infer<typeof List> = await parse(
      List,
      await world.ask(ann, 'GET', `${target}?limit=3${cursor && `&cursor=${cursor}`}`),
    )
    walked.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
  }
  expect(walked).toEqual([talk.id, ...ids.toReversed()])
})

test('400 for a cursor of another list, 401 without a token', async () => {
  const ann = await world.createUser()
  await expectProblem(world.ask(ann, 'GET', `${target}?cursor=abc`), 400, 'cursor_invalid')
  await expectProblem(world.ask(undefined, 'GET', target), 401)
})
