import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { z } from 'zod'
import { DeviceSession } from '../schema.ts'
import { createWorld, expectProblem, logIn } from '../tests/_world.ts'

const { auth, register } = await createWorld(import.meta.path)
const Sessions = z.object({ items: z.array(DeviceSession), nextCursor: z.string().nullable() })

test('200: the devices, newest first, page by page, with the present one marked', async () => {
  const person = await register()
  const devices = [person, await logIn(auth, person), await logIn(auth, person)]
  const seen: z.infer<typeof DeviceSession>[] = []
  let cursor: string | undefined
  do {
    const query = { limit: '2', ...(cursor ? { cursor } : {}) }
    const answer = await auth.as(person).api.v1.auth.sessions.$get({ query })
    expect(answer.status).toBe(200)
    const page = Sessions.parse(await answer.json())
    seen.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(seen.map(({ id }) => id)).toEqual(devices.map(({ sessionId }) => sessionId).reverse())
  expect(seen.filter(({ current }) => current).map(({ id }) => id)).toEqual([person.sessionId])
})

test('ended sessions are not listed', async () => {
  const person = await register()
  const other = await logIn(auth, person)
  await auth.as(other).api.v1.auth.logout.$post()
  await eventually(async () => {
    const answer = await auth.as(person).api.v1.auth.sessions.$get({ query: {} })
    expect(Sessions.parse(await answer.json()).items.map(({ id }) => id)).toEqual([person.sessionId])
  })
})

test('400: a foreign cursor; 401: no token', async () => {
  const person = await register()
  await expectProblem(await auth.as(person).api.v1.auth.sessions.$get({ query: { cursor: 'x' } }), 400, {
    code: 'invalid',
    reason: 'cursor_invalid',
  })
  await expectProblem(await auth.client.api.v1.auth.sessions.$get({ query: {} }), 401, {
    code: 'unauthenticated',
  })
})
