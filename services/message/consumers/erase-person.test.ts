import { expect, test } from 'bun:test'
import { userDeleted } from '@plaza/auth/events'
import { newId } from '@plaza/kit/id'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { blockAdded } from '@plaza/user/events'
import { z } from 'zod'
import { messageDataErased, messageDeleted, messageReacted } from '../events.ts'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path, { ERASURE_SETTLE_SECONDS: '0' })

const remove = (user: TestUser) =>
  world.publish(
    userDeleted.emit({ subject: user.id, data: { userId: user.id, deletedAt: new Date().toISOString() } }),
  )
const receiptsOf = async (user: TestUser) =>
  (await world.events('MESSAGE')).filter(
    ({ type, subject }) => type === messageDataErased.type && subject === user.id,
  )
const receipt = (user: TestUser, count = 1) =>
  eventually(async () => expect(await receiptsOf(user)).toHaveLength(count), 30_000)

test("a deleted person's messages keep id and place and lose all else; the other one's stay", async () => {
  const { ann, ben, conversation } = await world.pair()
  const texts: string[] = []
  for (let n = 0; n < 250; n += 1) texts.push(`secret ${n}`)
  const own = await Promise.all(texts.map((text) => world.send(ann, conversation.id, text)))
  const other = await world.send(ben, conversation.id, 'not secret')
  await world.ask(ann, 'PUT', `/api/v1/messages/${other.id}/reactions/${encodeURIComponent('👍')}`)
  await world.ask(ben, 'GET', '/api/v1/search/messages?query=secret')
  await world.setPrivacy(ann, { whoMayWrite: 'contacts' }, 1)
  await remove(ann)
  await receipt(ann)
  const rows = await world.db`
    select id, seq, text, request_hash, deleted_at from messages
    where conversation_id = ${conversation.id} and sender_id = ${ann.id} order by seq`
  expect(rows.map(({ id }) => id).sort()).toEqual(own.map(({ id }) => id).sort())
  expect(new Set(rows.map(({ text, requestHash }) => text ?? requestHash))).toEqual(new Set([null]))
  const left = await parse(Message, await world.ask(ben, 'GET', `/api/v1/messages/${other.id}`))
  expect(left).toMatchObject({ text: 'not secret', reactions: [] })
  expect(await world.db`select from search_documents where words @@ 'secret & !not'::tsquery`).toHaveLength(0)
  expect(await world.db`select from privacy where user_id = ${ann.id}`).toHaveLength(0)
  const told = (await world.events('MESSAGE')).filter(({ subject }) => subject === conversation.id)
  expect(told.filter(({ type }) => type === messageDeleted.type)).toHaveLength(250)
  expect(told.filter(({ type, actor }) => type === messageReacted.type && !actor)).toHaveLength(1)
  const Changes = z.object({ items: z.array(Message), revision: z.int(), more: z.boolean() })
  const versions = told.map(({ version }) => version ?? 0)
  const { revision } = await parse(
    Changes,
    await world.ask(
      ben,
      'GET',
      `/api/v1/conversations/${conversation.id}/changes?after=${Math.max(...versions)}`,
    ),
  )
  expect(revision).toBe(Math.max(...versions))
  expect(new Set(versions).size).toBe(versions.length)
})

test('messages that are emptied while they are being indexed leave no words behind', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'secret')
  const { release, done } = await world.holdIndexing()
  const searching = world.ask(ben, 'GET', '/api/v1/search/messages?query=secret')
  await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
  await remove(ann)
  await Promise.race([
    receipt(ann),
    eventually(async () => expect(await world.waitingForLocks()).toBe(2)),
    searching,
  ])
  await release()
  await searching
  await done()
  await receipt(ann)
  expect(await world.db`select from search_documents where message_id = ${sent.id}`).toHaveLength(0)
})

test('from the tombstone on nobody writes to or as the deleted person, and late news brings nothing back', async () => {
  const { ann, ben, conversation } = await world.pair()
  await remove(ann)
  await receipt(ann)
  await expectProblem(world.post(ann, conversation.id, { text: 'ghost' }), 403, 'not_accepting')
  await expectProblem(world.post(ben, conversation.id, { text: 'hello?' }), 403, 'not_accepting')
  await world.publish(
    blockAdded.emit({
      subject: ann.id,
      version: 9,
      data: { userId: ann.id, otherId: ben.id, state: 'none', blocked: false, version: 9 },
    }),
  )
  await world.relate(ann, ben, { contact: true }, 10)
  await world.setPrivacy(ann, { whoMayWrite: 'everyone' }, 11)
  await expectProblem(world.post(ben, conversation.id, { text: 'hello?' }), 403, 'not_accepting')
  expect(await world.db`select from relations where ${ann.id} in (owner_id, other_id)`).toHaveLength(0)
  await expectProblem(world.ask(ben, 'POST', '/api/v1/conversations', { userId: ann.id }), 404)
  const stranger = await world.createUser()
  await expectProblem(world.ask(stranger, 'POST', '/api/v1/conversations', { userId: ann.id }), 404)
})

test('the deletion told again gets its receipt again and changes nothing', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'once')
  await remove(ann)
  await receipt(ann)
  const before = await parse(Message, await world.ask(ben, 'GET', `/api/v1/messages/${sent.id}`))
  await remove(ann)
  await receipt(ann, 2)
  expect(await parse(Message, await world.ask(ben, 'GET', `/api/v1/messages/${sent.id}`))).toEqual(before)
})

test('an erasure that fails holds back no other, and is taken up again', async () => {
  const stuck = await world.pair()
  const nobody = await world.createUser({ id: newId() })
  await world.send(stuck.ann, stuck.conversation.id, 'stuck')
  await world.db.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
    create trigger refuse before update on messages
      for each row when (new.sender_id = '${stuck.ann.id}') execute function refuse()`)
  await remove(stuck.ann)
  await eventually(async () => expect(await dueLater(stuck.ann)).toHaveLength(1))
  await remove(nobody)
  await receipt(nobody)
  expect(await receiptsOf(stuck.ann)).toHaveLength(0)
  await world.db.unsafe('drop function refuse cascade')
  await world.db`update erasures set due_at = now() where user_id = ${stuck.ann.id}`
  await receipt(stuck.ann)
})

const dueLater = ({ id }: TestUser) =>
  world.db`select from erasures where user_id = ${id} and due_at > now() + interval '30 seconds'`

test('conversations are judged in pages, before any message is emptied, and where it failed it goes on', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'first')
  await knowMany(ann, 220)
  const [last] = await world.db`select id from memberships where user_id = ${ann.id} order by id desc limit 1`
  await world.db.unsafe(`
    create function refuse_some() returns trigger language plpgsql as $$
    begin
      if (select count(*) from judged) > 200 then raise 'too many'; end if;
      if exists (select from judged where id = '${last?.id}') then raise 'refused'; end if;
      return null;
    end $$;
    create trigger refuse_some after update on conversations referencing new table as judged
      for each statement execute function refuse_some()`)
  await remove(ann)
  await eventually(async () => expect(await dueLater(ann)).toHaveLength(1))
  const open = () => world.db`
    select from memberships where user_id = ${ann.id} and (accepts or peer_accepts)`
  expect(await open()).toHaveLength(21)
  const stillThere = await world.db`select from messages where id = ${sent.id} and text is not null`
  expect(stillThere).toHaveLength(1)
  const early = world.db`update erasures set conversation_id = ${conversation.id} where user_id = ${ann.id}`
  expect(await early.catch(({ code }) => code)).toBe('23514')
  await world.db`drop function refuse_some cascade`
  await world.db`update erasures set due_at = now() where user_id = ${ann.id}`
  await receipt(ann)
  expect(await open()).toHaveLength(0)
})

const knowMany = ({ id }: TestUser, count: number) => world.db`
  insert into conversations (id, low_user_id, high_user_id, created_at, active_at, low_accepts, high_accepts)
  select uuidv7(), least(${id}::uuid, peer), greatest(${id}::uuid, peer), now(), now(), true, true
  from (select gen_random_uuid() as peer from generate_series(1, ${count})) as peers`

test('relations are deleted in pages, so that no statement takes long', async () => {
  const [ann, ben] = [await world.createUser(), await world.createUser()]
  await world.db`
    insert into relations (owner_id, other_id, blocked, contact, version)
    select ${ben.id}::uuid, ${ann.id}::uuid, false, true, 1
    union all
    select gen_random_uuid(), ${ann.id}::uuid, false, true, 1 from generate_series(1, 2500)`
  await world.db.unsafe(`
    create function refuse_many() returns trigger language plpgsql as $$
    begin if (select count(*) from gone) > 1000 then raise 'too many'; end if; return null; end $$;
    create trigger refuse_many after delete on relations referencing old table as gone
      for each statement execute function refuse_many()`)
  await remove(ann)
  await receipt(ann)
  await world.db.unsafe('drop function refuse_many cascade')
  expect(await world.db`select from relations where other_id = ${ann.id}`).toHaveLength(0)
})

test('somebody who never said anything gets a receipt, too', async () => {
  const nobody = await world.createUser({ id: newId() })
  await remove(nobody)
  await receipt(nobody)
})

test('an erasure reads on from where it stopped, and not all conversations anew for each', async () => {
  const ann = await world.createUser()
  const count = 300
  await knowMany(ann, count)
  const before = await conversationsRead()
  await remove(ann)
  await receipt(ann)
  const readOfEach = async () => ((await conversationsRead()) - before) / count
  // Each sweep reads each of them, which Postgres tells a little later.
  await eventually(async () => expect(await readOfEach()).toBeGreaterThan(2))
  expect(await readOfEach()).toBeLessThan(50)
})

/** How many conversations have been read so far, by whatever way. */
async function conversationsRead(): Promise<number> {
  const [row] = await world.db<{ read: number }[]>`
    select seq_tup_read + (
        select sum(idx_tup_read)
        from pg_stat_user_indexes
        where relid = 'conversations'::regclass
      )::bigint as read
    from pg_stat_user_tables
    where relid = 'conversations'::regclass`
  return row?.read ?? 0
}

test('nobody is written to, or waits to be erased, for longer because there is much to sweep of somebody else', async () => {
  const ann = await world.createUser()
  await knowMany(ann, 3_000)
  await remove(ann)
  const firstSweep = () =>
    world.db`select from erasures where user_id = ${ann.id} and judged_up_to is null and sweep = 1`
  await eventually(async () => expect(await firstSweep()).toHaveLength(1))
  const [cleo, dan] = [await world.createUser(), await world.createUser()]
  const other = await world.open(cleo, dan)
  await remove(cleo)
  await eventually(async () =>
    expectProblem(await world.post(dan, other.id, { text: 'hello?' }), 403, 'not_accepting'),
  )
  expect(await firstSweep()).toHaveLength(1)
  await receipt(cleo)
  expect(await firstSweep()).toHaveLength(1)
})
