import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { createWorld, expectProblem } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)

test('settings are stored, twice as once, and move to a higher version only', async () => {
  const ann = await world.createUser()
  await world.setPrivacy(ann, { whoMayWrite: 'contacts' }, 2)
  await world.setPrivacy(ann, { whoMayWrite: 'contacts' }, 2)
  await world.setPrivacy(ann, { whoMayWrite: 'nobody' }, 1)
  const rows = await world.db`select who_may_write, version from privacy where user_id = ${ann.id}`
  expect([...rows]).toEqual([{ whoMayWrite: 'contacts', version: 2 }])
})

test('many conversations are judged page by page: those that are done take sends while others wait', async () => {
  const ann = await world.createUser()
  const count = 450
  const peers = Array.from({ length: count }, () => newId())
  const ids = Array.from({ length: count }, () => newId())
  await world.db`
    insert into conversations (id, low_user_id, high_user_id, created_at, active_at, low_accepts, high_accepts)
    select id, least(${ann.id}::uuid, peer), greatest(${ann.id}::uuid, peer), now(), now(), true, true
    from unnest(${ids}::uuid[], ${peers}::uuid[]) as pair (id, peer)`
  const release = await world.holdLock(ids.at(-1) ?? '')
  let answered = false
  const setting = world.setPrivacy(ann, { whoMayWrite: 'nobody' }, 1).then(() => {
    answered = true
  })
  try {
    await eventually(async () => expect(await refusing(ann)).toBe(400))
    expect((await world.post(ann, ids[0] ?? '', { text: 'hello' })).status).toBe(201)
    expect(answered).toBe(false)
  } finally {
    await release()
  }
  await setting
  expect(await refusing(ann)).toBe(count)
})

test('a change of receipts alone judges no conversation, whoever holds one', async () => {
  const { ann, conversation } = await world.pair()
  await world.setPrivacy(ann, { whoMayWrite: 'contacts' }, 1)
  const release = await world.holdLock(conversation.id)
  try {
    await world.setPrivacy(ann, { whoMayWrite: 'contacts', sendReadReceipts: false }, 2)
  } finally {
    await release()
  }
  const [row] = await world.db`select version, judged_version from privacy where user_id = ${ann.id}`
  expect(row).toEqual({ version: 2, judgedVersion: 2 })
})

test('who changes their settings again and again waits for themselves, and connections are left to others', async () => {
  const { ann, ben, conversation } = await world.pair()
  const release = await world.holdLock(conversation.id)
  const changes = Array.from({ length: 20 }, (_, index) =>
    world
      .setPrivacy(ann, { whoMayWrite: index % 2 ? 'contacts' : 'nobody' }, index + 1)
      .catch(() => undefined),
  )
  const other = await world.pair()
  const sent = await world.post(other.ann, other.conversation.id, { text: 'hello' })
  expect(sent.status).toBe(201)
  await release()
  await Promise.all(changes)
  await eventually(() =>
    expectProblem(world.post(ben, conversation.id, { text: 'hello' }), 403, 'not_accepting'),
  )
})

test('what a call had stored when its process ended comes into force all the same', async () => {
  const { ann, ben, conversation } = await world.pair()
  await world.db`
    insert into privacy (user_id, who_may_write, send_delivery_receipts, send_read_receipts, version)
    values (${ben.id}, 'nobody', true, true, 1)`
  await eventually(() =>
    expectProblem(world.post(ann, conversation.id, { text: 'hello' }), 403, 'not_accepting'),
  )
})

/** In how many of their conversations somebody takes no messages. */
async function refusing({ id }: TestUser): Promise<number> {
  return (await world.db`select from memberships where user_id = ${id} and not accepts`).length
}

test('400 for nonsense', () =>
  expectProblem(world.askAs('user', 'PUT', '/internal/v1/privacy', { version: -1 }), 400))

test('only services may call it', async () => {
  await expectProblem(world.ask(await world.createUser(), 'PUT', '/internal/v1/privacy', {}), 401)
})
