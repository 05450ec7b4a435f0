import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import { Config } from '../config.ts'
import { rotateKeys } from '../ops.ts'
import { forgetDeadKeys } from '../signing-keys.ts'
import { createWorld, logIn } from './_world.ts'

const { auth, environment, start, sql, register } = await createWorld(import.meta.path, {
  KEY_LEAD_SECONDS: '5',
})
const Keys = z.object({ keys: z.array(z.object({ kid: z.string() })) })
const config = Config.parse(environment)
const second = await start()

const published = async (url: string) => {
  const answer = await fetch(`${url}/.well-known/jwks.json`)
  const { keys } = Keys.parse(await answer.json())
  return keys.map(({ kid }) => kid)
}

test('instances that start together on an empty database make one key', async () => {
  expect(await sql`select kid from signing_keys`).toHaveLength(1)
  expect(await published(second.url)).toEqual(await published(auth.url))
})

test('a new key is published by every instance before it signs; tokens of the old one stay good', async () => {
  const person = await register()
  const [old] = await published(auth.url)
  const next = await rotateKeys({ sql, config })
  for (const { url } of [auth, second])
    await eventually(async () => expect(await published(url)).toContain(next))
  // Published, and still the old one signs.
  expect(decodeProtectedHeader((await logIn(second, person)).accessToken).kid).toBe(old)
  const later = await eventually(async () => {
    const session = await logIn(second, person)
    expect(decodeProtectedHeader(session.accessToken).kid).toBe(next)
    return session
  })
  for (const instance of [auth, second]) {
    expect((await instance.as(later).api.v1.auth.me.$get()).status).toBe(200)
    expect((await instance.as(person).api.v1.auth.me.$get()).status).toBe(200)
  }
})

test('an old key goes when the last token it signed is dead, not before', async () => {
  const [young = '', old = ''] = await published(auth.url)
  await forgetDeadKeys(sql, config)
  expect(await sql`select kid from signing_keys`).toHaveLength(2)
  await sql`update signing_keys set activates_at = now() - interval '961 seconds' where kid = ${young}`
  await sql`update signing_keys set activates_at = now() - interval '2000 seconds' where kid = ${old}`
  await forgetDeadKeys(sql, config)
  for (const { url } of [auth, second])
    await eventually(async () => expect(await published(url)).toEqual([young]))
})

test('a wrong secret is told at start-up', async () => {
  const wrong = start({ KEY_ENCRYPTION_SECRET: Buffer.alloc(32).toString('base64url') })
  await expect(wrong).rejects.toThrow('AUTH_KEY_ENCRYPTION_SECRET')
})
