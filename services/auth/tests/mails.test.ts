import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, password } from './_world.ts'

const { auth, sql, mails } = await createWorld(import.meta.path)

test('no mail holds the name that its account was given, which may read as a link', async () => {
  const username = 'www.win-now.com'
  const email = `${crypto.randomUUID()}@example.org`
  const registered = await auth.client.api.v1.auth.register.$post({ json: { username, email, password } })
  expect(registered.status).toBe(201)
  await auth.client.api.v1.auth.password.forgot.$post({ json: { email } })
  await sql`
    insert into mails (id, kind, user_id)
    select gen_random_uuid(), 'password_changed', id
    from users
    where email = ${email}`
  const sent = await eventually(async () => {
    const found = await mails(email)
    expect(found).toHaveLength(3)
    return found
  })
  for (const mail of sent) expect(mail).not.toContain(username)
})
