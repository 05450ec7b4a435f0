import { expect, test } from 'bun:test'
import { z } from 'zod'
import { AdminUser } from '../schema.ts'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, register, createAdmin } = await createWorld(import.meta.path)
const Users = z.object({ items: z.array(AdminUser), nextCursor: z.string().nullable() })

test('200: all accounts page by page; 403: for admins only; 401: nobody else', async () => {
  const admin = await createAdmin()
  const people = [await register(), await register(), await register()]
  const list = async (query: { limit?: string; cursor?: string; query?: string }) => {
    const answer = await auth.as(admin).api.v1.admin.users.$get({ query })
    expect(answer.status).toBe(200)
    return Users.parse(await answer.json())
  }
  const first = await list({ limit: '2' })
  const second = await list({ limit: '2', cursor: first.nextCursor ?? '' })
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual([
    ...people.map(({ user }) => user.id).reverse(),
    admin.user.id,
  ])
  expect(second.nextCursor).toBeNull()
  const found = await list({ query: people[1]?.login.toUpperCase() })
  expect(found.items.map(({ username }) => username)).toEqual([people[1]?.login ?? ''])
  expect((await list({ query: '%' })).items).toHaveLength(0)
  await expectProblem(await auth.as(people[0] ?? admin).api.v1.admin.users.$get({ query: {} }), 403, {
    code: 'forbidden',
  })
  await expectProblem(await auth.client.api.v1.admin.users.$get({ query: {} }), 401, {
    code: 'unauthenticated',
  })
})

test('200: a name or address is found in whatever form its beginning is written', async () => {
  const admin = await createAdmin()
  const find = async (query: string) => {
    const answer = await auth.as(admin).api.v1.admin.users.$get({ query: { query } })
    return Users.parse(await answer.json()).items.map(({ username }) => username)
  }
  const email = `zoë.${crypto.randomUUID()}@example.org`
  const json = { username: 'ΝΙΚΟΣΙΑ', email, password: 'late otters juggle 7 plums' }
  expect((await auth.client.api.v1.auth.register.$post({ json })).status).toBe(201)
  for (const query of ['ΝΙΚΟΣ', 'νικοσ', 'ΝΙΚΟΣΙΑ', email.normalize('NFD'), 'ｚＯË.'])
    expect(await find(query)).toEqual(['ΝΙΚΟΣΙΑ'])
})
