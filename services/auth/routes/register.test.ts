import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { Session } from '../schema.ts'
import { createWorld, password } from '../tests/_world.ts'

const { auth, sql, eventsAbout, tokenMailed } = await createWorld(import.meta.path)

const send = (json: { username: string; email: string; password: string; device?: { name: string } }) =>
  auth.client.api.v1.auth.register.$post({ json })

const named = (username: string) => ({ username, email: `${crypto.randomUUID()}@example.org`, password })

test('201: an account, its session, its event and a mail come of one request', async () => {
  const answer = await send({ ...named('Анна.Каренина'), device: { name: 'phone' } })
  expect(answer.status).toBe(201)
  const session = Session.parse(await answer.json())
  const { id: userId } = session.user
  const [row] = await sql`select username, password_hash, role from users where id = ${userId}`
  expect(row).toMatchObject({ username: 'Анна.Каренина', role: 'user' })
  expect(row?.passwordHash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')
  const [device] = await sql`select device_name, current_hash from sessions where id = ${session.sessionId}`
  expect(device?.deviceName).toBe('phone')
  expect(Buffer.from(device?.currentHash).toString('base64url')).not.toBe(session.refreshToken)
  await eventually(async () =>
    expect(await eventsAbout('user.registered', userId)).toMatchObject([
      { data: { userId, username: 'Анна.Каренина', createdAt: session.user.createdAt } },
    ]),
  )
  expect(await tokenMailed(session.user.email, 'Confirm your e-mail address')).toBeTruthy()
})
