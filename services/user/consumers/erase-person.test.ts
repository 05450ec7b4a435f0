import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import type { Transaction } from '@plaza/kit/sql'
import { eventually } from '@plaza/kit/testing'
import { type Person, startWorld } from '../tests/_world.ts'

const world = await startWorld(import.meta.path)

const erased = (person: Person, receipts = 1) => world.eventsOf('user_data.erased', person.id, receipts)
const fill = async (person: Person) => {
  const answer = await person.api.api.v1.users[':userId'].profile.$put({
    param: { userId: person.id },
    json: {
      displayName: 'Anna Smith',
      bio: 'secret',
      avatar: newId(),
      age: 30,
      gender: 'g',
      fields: { a: 'b' },
    },
  })
  expect(answer.status).toBe(200)
}
const block = (person: Person, other: Person) =>
  person.api.api.v1.blocks[':userId'].$put({ param: { userId: other.id } })
/** How many statements wait for a lock. */
async function waiting(tx: Transaction): Promise<number> {
  const rows = await tx`
    select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  return rows.length
}

test('everything of a deleted person is gone, others are told, and then the receipt is sent', async () => {
  const [anna, ben, cleo, dora] = await Promise.all(Array.from({ length: 4 }, () => world.createPerson()))
  if (!anna || !ben || !cleo || !dora) throw new Error('four people')
  await fill(anna)
  await world.connect(anna, ben)
  await block(cleo, anna)
  await block(anna, dora)
  const asked = await dora.api.api.v1.contacts.$post({
    header: { 'idempotency-key': newId() },
    json: { userId: anna.id },
  })
  expect(await asked.text()).toContain(anna.username)
  const news = world.deleted(anna.id)
  await world.publish(news)
  expect((await erased(anna)).map(({ data }) => data)).toEqual([{ userId: anna.id }])
  const [row] = await world.sql`select * from people where user_id = ${anna.id}`
  const { userId, erasedAt, createdAt, updatedAt, ...rest } = row ?? {}
  expect(erasedAt).toBeInstanceOf(Date)
  expect(JSON.stringify(rest)).not.toMatch(new RegExp(`${anna.username}|Anna|secret`))
  expect(await world.sql`select from relations where owner_id = ${anna.id}`).toHaveLength(0)
  expect(await world.sql`select from name_words where user_id = ${anna.id}`).toHaveLength(0)
  expect(await world.sql`select from contact_asks where ${anna.id} in (owner_id, other_id)`).toHaveLength(0)
  expect(await world.sql`select from idempotency_keys where user_id = ${anna.id}`).toHaveLength(0)
  expect(await world.sql`select from idempotency_keys where body like ${`%${anna.username}%`}`).toHaveLength(
    0,
  )
  expect(await world.viewOf(ben, anna)).toEqual({ state: 'none', blocked: false, version: 3 })
  expect(await world.viewOf(cleo, anna)).toEqual({ state: 'none', blocked: false, version: 2 })
  const [removed] = await world.eventsOf('contact.removed', ben.id)
  expect(removed).toMatchObject({ version: 3, data: { userId: ben.id, otherId: anna.id, state: 'none' } })
  await world.eventsOf('block.removed', cleo.id)
  expect(await world.recipientsOf('contact.removed', ben.id)).toEqual([ben.id])
})

test('the deletion twice sends another receipt and ends nothing twice', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await world.connect(anna, ben)
  const news = world.deleted(anna.id)
  await world.publish(news)
  await erased(anna)
  await world.publish({ ...news, event: { ...news.event, id: newId() } })
  await erased(anna, 2)
  expect(await world.eventsOf('contact.removed', ben.id)).toHaveLength(1)
})

test('a deletion that comes first leaves a tombstone and a receipt', async () => {
  const anna = await world.createPerson()
  await world.publish(world.deleted(anna.id))
  await erased(anna)
  const [row] = await world.sql`select username, erased_at from people where user_id = ${anna.id}`
  expect(row).toMatchObject({ username: null, erasedAt: expect.any(Date) })
})

test('a token that is still good brings nothing back, and others find nobody', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await fill(anna)
  await world.publish(world.deleted(anna.id))
  await erased(anna)
  const param = { userId: anna.id }
  const settings = {
    whoMayWrite: 'everyone',
    whoSeesPresence: 'everyone',
    sendDeliveryReceipts: true,
    sendReadReceipts: true,
  } as const
  const own = anna.api.api.v1
  const answers = await Promise.all([
    own.users[':userId'].profile.$put({ param, json: { bio: 'back' } }),
    own.me.privacy.$put({ json: settings }),
    own.contacts.$post({ header: {}, json: { userId: ben.id } }),
    block(anna, ben),
  ])
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401])
  const others = ben.api.api.v1
  const theirs = await Promise.all([
    others.users[':userId'].profile.$get({ param }),
    others.contacts.$post({ header: {}, json: { userId: anna.id } }),
    block(ben, anna),
  ])
  expect(theirs.map(({ status }) => status)).toEqual([404, 404, 404])
  expect(await world.sql`select from relations where ${anna.id} in (owner_id, other_id)`).toHaveLength(0)
})

test('a request that was under way when the deletion came finds nobody and leaves nothing', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  await fill(anna)
  await fill(ben)
  const asking = await world.sql.begin(async (tx) => {
    await tx`update people set username = null, erased_at = now() where user_id = ${anna.id}`
    const asking = ben.api.api.v1.contacts.$post({ header: {}, json: { userId: anna.id } })
    await eventually(async () => expect(await waiting(tx)).toBe(1))
    return { answer: asking }
  })
  expect((await asking.answer).status).toBe(404)
  expect(await world.viewOf(ben, anna)).toBeUndefined()
})

test('an erasure takes its locks in the order in which all take them, so that nothing deadlocks', async () => {
  const [anna, ben, cleo] = [
    await world.createPerson(),
    await world.createPerson(),
    await world.createPerson(),
  ]
  await world.connect(anna, ben)
  await world.connect(anna, cleo)
  await world.sql.begin(async (tx) => {
    await tx`select from people where user_id = ${ben.id} for update`
    await world.publish(world.deleted(anna.id))
    await eventually(async () => expect(await waiting(tx)).toBe(1))
    // Held already, if the erasure went the other way.
    await tx`select from people where user_id = ${cleo.id} for update nowait`
  })
  await erased(anna)
})

test('an erasure that fails holds back no other, and is taken up again', async () => {
  const [stuck, anna] = [await world.createPerson(), await world.createPerson()]
  await world.connect(stuck, anna)
  await world.sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
    create trigger refuse before delete on relations
      for each row when (old.owner_id = '${stuck.id}') execute function refuse()`)
  await world.publish(world.deleted(stuck.id))
  await eventually(async () =>
    expect(
      await world.sql`
        select from erasures
        where user_id = ${stuck.id} and finished_at is null and due_at > now() + interval '30 seconds'`,
    ).toHaveLength(1),
  )
  await world.publish(world.deleted(anna.id))
  await erased(anna)
  await world.sql.unsafe('drop function refuse cascade')
  await world.sql`update erasures set due_at = now() where user_id = ${stuck.id}`
  await erased(stuck)
})

test('own relations are deleted in pages, so that no statement takes long', async () => {
  const anna = await world.createPerson()
  await world.sql`
    insert into relations (owner_id, other_id, state, version)
    select ${anna.id}, gen_random_uuid(), 'incoming', n from generate_series(1, 2500) as n`
  await world.sql.unsafe(`
    create function refuse_many() returns trigger language plpgsql as $$
    begin if (select count(*) from gone) > 1000 then raise 'too many'; end if; return null; end $$;
    create trigger refuse_many after delete on relations referencing old table as gone
      for each statement execute function refuse_many()`)
  await world.publish(world.deleted(anna.id))
  await erased(anna)
  await world.sql.unsafe('drop function refuse_many cascade')
  expect(await world.sql`select from relations where owner_id = ${anna.id}`).toHaveLength(0)
})

test('an event that makes no sense holds up no other', async () => {
  const [anna, ben] = [await world.createPerson(), await world.createPerson()]
  const poison = world.deleted(ben.id)
  await world.publish({ ...poison, event: { ...poison.event, data: {} } })
  await world.publish(world.deleted(anna.id))
  await erased(anna)
  await eventually(async () =>
    expect(await world.sql`select from inbox_failures where event_id = ${poison.event.id}`).toHaveLength(1),
  )
})
