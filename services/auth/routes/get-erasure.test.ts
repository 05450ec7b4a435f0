import { expect, test } from 'bun:test'
import { z } from 'zod'
import { Erasure } from '../schema.ts'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, register } = await createWorld(import.meta.path)

const send = (erasureId: string) =>
  auth.client.api.v1.auth.erasures[':erasureId'].$get({ param: { erasureId } })

test('200: without a token, whose receipts are missing', async () => {
  const person = await register()
  const deletion = await auth.as(person).api.v1.auth.me.$delete({ json: { password: person.password } })
  const { erasureId } = z.object({ erasureId: z.string() }).parse(await deletion.json())
  const answer = await send(erasureId)
  expect(answer.status).toBe(200)
  expect(Erasure.parse(await answer.json())).toMatchObject({
    id: erasureId,
    status: 'running',
    finishedAt: null,
    receipts: ['user', 'message', 'relay'].map((service) => ({ service, receivedAt: null })),
  })
})

test("404: no such erasure, and a user's id is none; 400: no id", async () => {
  const person = await register()
  await expectProblem(await send(crypto.randomUUID()), 404, { code: 'not_found' })
  await expectProblem(await send(person.user.id), 404, { code: 'not_found' })
  await expectProblem(await send('x'), 400, { code: 'invalid' })
})
