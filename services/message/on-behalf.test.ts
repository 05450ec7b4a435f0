import { expect, test } from 'bun:test'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import { allInTime, doEach } from './on-behalf.ts'

const Item = z.object({ userId: z.string(), sessionId: z.string(), issuedAt: z.number() })
const item = (userId: string, issuedAt: number) => ({ userId, sessionId: 's', issuedAt })

test('work begins in the order of the items, however long auth is asked about each', async () => {
  const identity = { assertNotRevoked: ({ issuedAt }: { issuedAt: number }) => Bun.sleep(issuedAt) }
  const begun: string[] = []
  const results = doEach(
    { identity } as unknown as Ctx,
    Item,
    [item('a', 60), item('b', 1), item('c', 30)],
    async ({ userId }) => {
      begun.push(userId)
      return { userId }
    },
  )
  expect(await Promise.all(results)).toEqual([{ userId: 'a' }, { userId: 'b' }, { userId: 'c' }])
  expect(begun).toEqual(['a', 'b', 'c'])
})

test('an item that is held up is told so, and the others get their answers', async () => {
  const results = [Promise.resolve({ done: true }), new Promise<never>(() => {})]
  expect(await allInTime(results)).toEqual([
    { done: true },
    { problem: expect.objectContaining({ code: 'unavailable', reason: 'busy' }) },
  ])
})
