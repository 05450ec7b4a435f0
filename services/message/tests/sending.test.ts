import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { messageCreated } from '../events.ts'
import { Conversation, Message } from '../schema.ts'
import { createSender } from '../send.ts'
import { createWorld, expectProblem, parse } from './_world.ts'

const world = await createWorld(import.meta.path)

test('50 sends with one key at once are one message, and 50 times the same 201', async () => {
  const { ann, conversation } = await world.pair()
  const other = await world.startAnother()
  const request = (n: number) =>
    world.post(ann, conversation.id, { text: 'once' }, 'the-key', n % 2 ? world.service : other)
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => request(n)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1)
  expect(await world.db`select from messages where conversation_id = ${conversation.id}`).toHaveLength(1)
  expect(
    await world.db`select from outbox where subject = ${`evt.message.created.${conversation.id}`}`,
  ).toHaveLength(1)
  await expectProblem(world.post(ann, conversation.id, { text: 'other' }, 'the-key'), 422, 'key_reused')
  await expectProblem(
    world.post(ann, conversation.id, { text: 'other' }, 'the-key', other),
    422,
    'key_reused',
  )
  await other.stop()
})

test('a message whose instance died right after storing it is told of all the same', async () => {
  const { ann, conversation } = await world.pair()
  const transaction = () => Promise.reject(new Error('a send needs none of its own'))
  const dead = createSender({ sql: world.db, outbox: { transaction, publish() {}, async stop() {} } })
  const { id } = await dead.send({
    senderId: ann.id,
    conversationId: conversation.id,
    key: undefined,
    text: 'Hello',
  })
  expect((await world.eventOf(messageCreated, conversation.id)).data.id).toBe(id)
})

test('two instances that wait for the same lock with the same key store one message', async () => {
  const { ann, conversation } = await world.pair()
  const other = await world.startAnother()
  const release = await world.holdLock(conversation.id)
  const sending = [world.service, other].map((instance) =>
    world.post(ann, conversation.id, { text: 'once' }, 'the-key', instance),
  )
  await eventually(async () => expect(await world.waitingForLocks()).toBe(2))
  await release()
  const answers = await Promise.all(sending)
  expect(answers.map(({ status }) => status)).toEqual([201, 201])
  expect(await answers[0]?.text()).toBe((await answers[1]?.text()) ?? '')
  await other.stop()
})

test('conversations that somebody holds hold up no others, and keep the order of their own', async () => {
  const held = await Promise.all(Array.from({ length: 6 }, () => world.pair()))
  const free = await world.pair()
  const ids = held.map(({ conversation }) => conversation.id)
  const release = await world.holdLock(newId(), async (tx) => {
    await tx`select from conversations where id = any(${ids}::uuid[]) for update`
  })
  const waiting: Promise<Response>[] = []
  for (const { ann, conversation } of held) {
    waiting.push(world.post(ann, conversation.id, { text: 'first' }))
    await Bun.sleep(5)
    waiting.push(world.post(ann, conversation.id, { text: 'second' }))
    waiting.push(world.ask(ann, 'PUT', `/api/v1/conversations/${conversation.id}/receipts`, { readSeq: 1 }))
  }
  const { ann, conversation } = free
  expect((await world.post(ann, conversation.id, { text: 'free' })).status).toBe(201)
  expect(
    (await world.ask(ann, 'PUT', `/api/v1/conversations/${conversation.id}/receipts`, { readSeq: 1 })).status,
  ).toBe(200)
  await release()
  const answers = await Promise.all(waiting)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]))
  for (const { conversation } of held)
    expect(
      await world.db`select text from messages where conversation_id = ${conversation.id} order by seq`,
    ).toMatchObject([{ text: 'first' }, { text: 'second' }])
})

test('of large envelopes no more wait than memory is meant for; the others are refused and those that waited are stored', async () => {
  const { ann, conversation } = await world.pair()
  const outbox = { transaction: () => Promise.reject(new Error('unused')), publish() {}, async stop() {} }
  const { send } = createSender({ sql: world.db, outbox })
  const envelope = { algorithm: 'x3dh', ciphertexts: [{ deviceId: 'd-1', body: 'A'.repeat(256_000) }] }
  const release = await world.holdLock(conversation.id)
  const outcomes: string[] = []
  const sends = Array.from({ length: 400 }, async () => {
    const sending = send({ senderId: ann.id, conversationId: conversation.id, key: undefined, envelope })
    const outcome = await sending.then(
      () => 'stored',
      (error) => error.options.reason,
    )
    outcomes.push(outcome)
  })
  await eventually(() => expect(outcomes).toContain('overloaded'))
  await release()
  await Promise.all(sends)
  const stored = outcomes.filter((outcome) => outcome === 'stored').length
  expect(new Set(outcomes)).toEqual(new Set(['stored', 'overloaded']))
  expect(stored * 256_000).toBeGreaterThan(32 << 20)
  expect(await world.db`select from messages where conversation_id = ${conversation.id}`).toHaveLength(stored)
})

test('one key with two contents at once: one is stored, the other refused', async () => {
  const { ann, conversation } = await world.pair()
  const answers = await Promise.all(
    ['a', 'b', 'a', 'b'].map((text) => world.post(ann, conversation.id, { text }, 'the-key')),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 422, 422])
})

test('10,000 mixed, repeated and failing sends of two instances leave no hole in seq and meet no deadlock', async () => {
  const other = await world.startAnother()
  const people = await Promise.all(Array.from({ length: 8 }, () => world.createUser()))
  const pairs: { ann: TestUser; ben: TestUser; id: string }[] = []
  for (const [index, ann] of people.entries())
    for (const ben of people.slice(index + 1)) pairs.push({ ann, ben, id: (await world.open(ann, ben)).id })
  const stranger = await world.createUser()
  const deadlocks = await countDeadlocks()
  const tally = new Map<number, number>()
  const stored = new Map<string, string>()
  let turn = 0
  const sendOne = async () => {
    const n = turn++
    const pair = pairs[(n * 7) % pairs.length] ?? pairs[0]
    if (!pair) throw new Error('no pair')
    const sender = n % 10 === 0 ? stranger : n % 2 ? pair.ann : pair.ben
    const body = n % 17 === 0 ? { text: 'x', replyToId: newId() } : { text: `text ${n % 3_000}` }
    const key = `key-${n % 3_000}-${pair.id}`
    const instance = n % 3 ? world.service : other
    const answer = await world.post(sender, pair.id, body, key, instance)
    tally.set(answer.status, (tally.get(answer.status) ?? 0) + 1)
    if (answer.status !== 201) return await answer.text()
    const { id } = Message.parse(await answer.json())
    expect(stored.get(`${sender.id}/${key}`) ?? id).toBe(id)
    stored.set(`${sender.id}/${key}`, id)
  }
  const noise = async () => {
    const pair = pairs[turn % pairs.length]
    if (!pair) return
    await world.ask(pair.ben, 'PUT', `/api/v1/conversations/${pair.id}/receipts`, { readSeq: turn % 400 })
    await world.setPrivacy(pair.ann, { whoMayWrite: 'everyone' }, turn + 1)
  }
  await Promise.all([
    ...Array.from({ length: 96 }, async () => {
      while (turn < 10_000) await sendOne()
    }),
    ...Array.from({ length: 2 }, async () => {
      while (turn < 10_000) await noise()
    }),
  ])
  expect([...tally.keys()].sort()).toEqual([201, 404, 422])
  const rows = await world.db<
    { id: string; seq: number; revision: number; holes: number; messages: number }[]
  >`
    select conversations.id, conversations.seq, max(messages.seq) - count(*) as holes, count(*) as messages
    from conversations
    join messages on messages.conversation_id = conversations.id
    where conversations.id = any(${pairs.map(({ id }) => id)}::uuid[])
    group by conversations.id`
  expect(rows.filter(({ holes, seq, messages }) => holes !== 0 || seq !== messages)).toEqual([])
  expect(rows.reduce((sum, { messages }) => sum + messages, 0)).toBe(stored.size)
  expect(await countDeadlocks()).toBe(deadlocks)
  await other.stop()
}, 60_000)

test.each([1, 60])(
  'a connection lost in the middle of a batch of %d gives each caller its 201, and each message is there once',
  async (count) => {
    const { ann, conversation } = await world.pair()
    const release = await world.holdLock(conversation.id)
    const texts = Array.from({ length: count }, (_, n) => `text ${n}`)
    const sending = texts.map((text) => world.send(ann, conversation.id, text))
    const watcher = await world.sql('message')
    await eventually(async () => {
      const killed = await watcher`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database() and application_name = 'message' and wait_event_type = 'Lock'`
      expect(killed.length).toBeGreaterThan(0)
    })
    await release()
    const sent = await Promise.all(sending)
    expect(sent.map(({ text }) => text)).toEqual(texts)
    expect(sent.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(texts.map((_, n) => n + 1))
    expect(await world.db`select from messages where conversation_id = ${conversation.id}`).toHaveLength(
      count,
    )
  },
)

test('connections lost at any moment, also after the commit: every 201 is one message', async () => {
  const { ann, conversation } = await world.pair()
  const watcher = await world.sql('message')
  let running = true
  const killing = (async () => {
    for (let n = 0; n < 12 && running; n += 1) {
      await watcher`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database() and application_name = 'message' and state = 'active'`
      await Bun.sleep(15)
    }
  })()
  const sent: Message[] = []
  await Promise.all(
    Array.from({ length: 32 }, async (_, sender) => {
      for (let n = 0; n < 20; n += 1) sent.push(await world.send(ann, conversation.id, `${sender}-${n}`))
    }),
  )
  running = false
  await killing
  const rows = await world.db<{ seq: number; text: string }[]>`
    select seq, text from messages where conversation_id = ${conversation.id} order by seq`
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, n) => n + 1))
  expect(rows.map(({ text }) => text).sort()).toEqual(sent.map(({ text }) => text ?? '').sort())
  const after = await parse(
    Conversation,
    await world.ask(ann, 'GET', `/api/v1/conversations/${conversation.id}`),
  )
  expect(after.seq).toBe(640)
})

test('while the disk is full the answer is 503, and no batch is halved for it', async () => {
  const { ann, conversation } = await world.pair()
  const { id } = await world.send(ann, conversation.id, 'before')
  await world.db.unsafe(`
    create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$
      begin
        perform nextval('refusals');
        raise 'could not extend file' using errcode = 'disk_full';
      end
    $$;
    create trigger refuse before insert or update on messages for each statement execute function refuse()`)
  const refusals = async () => (await world.db`select last_value as count from refusals`)[0]?.count
  await expectProblem(world.ask(ann, 'PATCH', `/api/v1/messages/${id}`, { text: 'after' }), 503)
  const target = `/api/v1/conversations/${conversation.id}/messages`
  const send = (text: string) => world.ask(ann, 'POST', target, { text })
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => send(`text ${n}`)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
  expect(await refusals()).toBeLessThan(30)
  await world.db`drop function refuse cascade`
  expect((await send('there is room again')).status).toBe(201)
})

async function countDeadlocks(): Promise<number> {
  await world.db`select pg_stat_force_next_flush()`
  const [row] = await world.db<{ deadlocks: number }[]>`
    select deadlocks from pg_stat_database where datname = current_database()`
  return row?.deadlocks ?? 0
}
