import { expect, test } from 'bun:test'
import { Privacy } from '../schema.ts'
import { startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)
const settings = {
  whoMayWrite: 'contacts',
  whoSeesPresence: 'nobody',
  sendDeliveryReceipts: false,
  sendReadReceipts: true,
} as const

const pushedFor = (userId: string) =>
  world.pushed.filter(({ path, body }) => path === '/internal/v1/privacy' && body.userId === userId)

test('settings are stored, told to message before the answer, and their event goes to the own devices', async () => {
  const anna = await world.createPerson()
  const answer = await anna.api.api.v1.me.privacy.$put({ json: settings })
  expect(answer.status).toBe(200)
  expect(Privacy.parse(await answer.json())).toEqual({ ...settings, version: 1 })
  const { whoSeesPresence, ...told } = settings
  expect(pushedFor(anna.id).map(({ body }) => body)).toEqual([{ userId: anna.id, ...told, version: 1 }])
  const [row] =
    await world.sql`select who_sees_presence, privacy_version from people where user_id = ${anna.id}`
  expect(row).toEqual({ whoSeesPresence, privacyVersion: 1 })
  const [event] = await world.eventsOf('privacy.changed', anna.id)
  expect(event).toMatchObject({ version: 1, data: { userId: anna.id, ...settings, version: 1 } })
  expect(await world.recipientsOf('privacy.changed', anna.id)).toEqual([anna.id])
})

test('with message away the caller hears unavailable, nothing is lost, and a repeat tells message', async () => {
  const anna = await world.createPerson()
  world.message.status = 503
  const away = await anna.api.api.v1.me.privacy.$put({ json: settings })
  world.message.status = 204
  expect<number>(away.status).toBe(503)
  await world.eventsOf('privacy.changed', anna.id)
  expect(pushedFor(anna.id)).toHaveLength(0)
  expect((await anna.api.api.v1.me.privacy.$put({ json: settings })).status).toBe(200)
  expect(pushedFor(anna.id)).toHaveLength(1)
})

test('settings that are incomplete or unknown are refused, and strangers are', async () => {
  const anna = await world.createPerson()
  const put = (body: object) =>
    fetch(`${world.url}/api/v1/me/privacy`, {
      method: 'PUT',
      headers: { ...anna.headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await put({ ...settings, whoMayWrite: 'friends' })).status).toBe(400)
  expect((await put({ whoMayWrite: 'nobody' })).status).toBe(400)
  expect((await world.anonymous.api.v1.me.privacy.$put({ json: settings })).status).toBe(401)
})

test('the same settings again are no change: message is told once more, and nobody else', async () => {
  const anna = await world.createPerson()
  for (const _time of [1, 2]) {
    const answer = await anna.api.api.v1.me.privacy.$put({ json: settings })
    expect(Privacy.parse(await answer.json())).toEqual({ ...settings, version: 1 })
  }
  expect(pushedFor(anna.id)).toHaveLength(2)
  expect(await world.eventsOf('privacy.changed', anna.id)).toHaveLength(1)
})
