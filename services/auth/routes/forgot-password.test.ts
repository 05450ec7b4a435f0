import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { createWorld, expectProblem } from '../tests/_world.ts'

const { auth, sql, register, mails, tokenMailed } = await createWorld(import.meta.path, { MAIL_LIMIT: '2' })

const send = (email: string) => auth.client.api.v1.auth.password.forgot.$post({ json: { email } })
const subject = 'Choose a new password'

test('202: a mail with a link for a known address, in any case', async () => {
  const person = await register()
  const answer = await send(person.user.email.toUpperCase())
  expect(answer.status).toBe(202)
  const token = await tokenMailed(person.user.email, subject)
  const rows = await sql`select hash from one_time_tokens where purpose = 'reset_password'`
  expect(rows.map(({ hash }) => Buffer.from(hash).toString('base64url'))).not.toContain(token)
})

test('202: the very same answer and the same row for an unknown one, and no mail', async () => {
  const person = await register()
  const unknown = `${crypto.randomUUID()}@example.org`
  const [forKnown, forUnknown] = [await send(person.user.email), await send(unknown)]
  expect(forUnknown.status).toBe(forKnown.status)
  expect(await forUnknown.text()).toBe(await forKnown.text())
  await tokenMailed(person.user.email, subject)
  await eventually(async () => expect(await sql`select id from mails`).toHaveLength(0))
  expect(await mails(unknown)).toHaveLength(0)
})

test('a few mails an hour at most, though the answer stays the same', async () => {
  const person = await register()
  for (let round = 0; round < 5; round += 1) expect((await send(person.user.email)).status).toBe(202)
  await eventually(async () => expect(await sql`select id from mails`).toHaveLength(0))
  const sent = (await mails(person.user.email)).filter((mail) => mail.includes(subject))
  expect(sent).toHaveLength(2)
})

test('400: no address', async () => {
  await expectProblem(await send('nobody'), 400, { code: 'invalid' })
})
