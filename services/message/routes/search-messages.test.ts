import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { eventually, type TestUser } from '@plaza/kit/testing'
import { z } from 'zod'
import { Message } from '../schema.ts'
import { createWorld, expectProblem, holdOpen, parse } from '../tests/_world.ts'

const world = await createWorld(import.meta.path)
const Hits = z.object({
  items: z.array(
    z.object({ message: Message, snippet: z.array(z.object({ text: z.string(), match: z.boolean() })) }),
  ),
  nextCursor: z.string().nullable(),
})
const search = async (user: TestUser, query: string, rest = '') =>
  await parse(
    Hits,
    await world.ask(user, 'GET', `/api/v1/search/messages?query=${encodeURIComponent(query)}${rest}`),
  )
/** Keeps the index from every search, and answers what ends that. */
const lockIndex = () =>
  holdOpen(world.db, (tx) => tx`lock table search_progress, search_documents in access exclusive mode`)
const textsOf = (hits: z.infer<typeof Hits>) => hits.items.map(({ message }) => message.text)

test('both people find a message by its words at once, with the matching part shown', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'The tickets for the THEATRE are here')
  for (const user of [ann, ben]) {
    const { items } = await search(user, 'theatre')
    expect(items.map(({ message }) => message)).toEqual([sent])
    expect(items[0]?.snippet.filter(({ match }) => match)).toEqual([{ text: 'THEATRE', match: true }])
    expect(items[0]?.snippet.map(({ text }) => text).join('')).toBe(sent.text ?? '')
  }
})

test('the better match comes first, and pages follow on without a gap or a repeat', async () => {
  const { ann, conversation } = await world.pair()
  await world.send(ann, conversation.id, 'apple and a long tail of other words that mean nothing at all here')
  for (let n = 0; n < 7; n += 1) await world.send(ann, conversation.id, `apple number ${n} and this`)
  await world.send(ann, conversation.id, 'apple apple')
  const whole = textsOf(await search(ann, 'apple'))
  expect(whole).toHaveLength(9)
  expect(whole[0]).toBe('apple apple')
  expect(whole.at(-1)).toStartWith('apple and a long tail')
  const walked: (string | null)[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: z.infer<typeof Hits> = await search(ann, 'apple', `&limit=2${cursor && `&cursor=${cursor}`}`)
    walked.push(...textsOf(page))
    cursor = page.nextCursor
  }
  expect(walked).toEqual(whole)
})

test('phrases, exclusions and one conversation', async () => {
  const ann = await world.createUser()
  const [one, two] = [
    await world.open(ann, await world.createUser()),
    await world.open(ann, await world.createUser()),
  ]
  await world.send(ann, one.id, 'red green blue')
  await world.send(ann, two.id, 'green red yellow')
  expect(textsOf(await search(ann, '"red green"'))).toEqual(['red green blue'])
  expect(textsOf(await search(ann, 'red -blue'))).toEqual(['green red yellow'])
  expect(textsOf(await search(ann, 'red', `&conversationId=${one.id}`))).toEqual(['red green blue'])
  expect(textsOf(await search(ann, '!!! ()'))).toEqual([])
})

test('an edit is found by its new words only, a deleted message not at all', async () => {
  const { ann, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'oldword')
  expect(textsOf(await search(ann, 'oldword'))).toEqual(['oldword'])
  await world.ask(ann, 'PATCH', `/api/v1/messages/${sent.id}`, { text: 'newword' })
  expect(textsOf(await search(ann, 'oldword'))).toEqual([])
  expect(textsOf(await search(ann, 'newword'))).toEqual(['newword'])
  await world.ask(ann, 'DELETE', `/api/v1/messages/${sent.id}`)
  expect(await world.db`select from search_documents where message_id = ${sent.id}`).toHaveLength(0)
  expect(textsOf(await search(ann, 'newword'))).toEqual([])
})

test('a message that is deleted while it is being indexed leaves no words behind', async () => {
  const { ann, ben, conversation } = await world.pair()
  const sent = await world.send(ann, conversation.id, 'secret')
  const { release, done } = await world.holdIndexing()
  const searching = search(ben, 'secret')
  await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
  const deleting = world.ask(ann, 'DELETE', `/api/v1/messages/${sent.id}`)
  await Promise.race([deleting, eventually(async () => expect(await world.waitingForLocks()).toBe(2))])
  await release()
  await Promise.all([searching, deleting])
  await done()
  expect((await deleting).status).toBe(200)
  expect(await world.db`select from search_documents where message_id = ${sent.id}`).toHaveLength(0)
})

test('messages are indexed in the order of their places, in which others lock them, whatever order they changed in', async () => {
  const { ann, conversation } = await world.pair()
  const [first] = [
    await world.send(ann, conversation.id, 'one'),
    await world.send(ann, conversation.id, 'two'),
  ]
  await world.ask(ann, 'PATCH', `/api/v1/messages/${first.id}`, { text: 'changed two' })
  const { searching } = await world.db.begin(async (tx) => {
    const lock = (seq: number) =>
      tx`select from messages where conversation_id = ${conversation.id} and seq = ${seq} for update`
    await lock(1)
    const searching = search(ann, 'two')
    await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
    await lock(2)
    return { searching }
  })
  expect(textsOf(await searching)).toHaveLength(2)
})

test('503 busy for a search that waits for somebody who waits for it', async () => {
  const { ann, conversation } = await world.pair()
  for (const text of ['one', 'two']) await world.send(ann, conversation.id, text)
  const { searching } = await world.db.begin(async (tx) => {
    const lock = (seq: number) =>
      tx`select from messages where conversation_id = ${conversation.id} and seq = ${seq} for update`
    await lock(2)
    const searching = world.ask(ann, 'GET', '/api/v1/search/messages?query=two')
    await eventually(async () => expect(await world.waitingForLocks()).toBe(1))
    await lock(1)
    return { searching }
  })
  await expectProblem(searching, 503, 'busy')
})

test('nobody finds what is not theirs, not even by naming their own id in it, nor what is encrypted', async () => {
  const { ann, conversation } = await world.pair()
  const eve = await world.createUser()
  await world.send(ann, conversation.id, `hidden @${eve.id} ${eve.id}`)
  await world.post(ann, conversation.id, {
    envelope: { algorithm: 'hidden', ciphertexts: [{ deviceId: 'hidden', body: 'aGlkZGVu' }] },
  })
  expect(textsOf(await search(ann, 'hidden'))).toHaveLength(1)
  expect(textsOf(await search(eve, 'hidden'))).toEqual([])
  expect(textsOf(await search(eve, eve.id))).toEqual([])
})

test('many searches at once over shared conversations all find everything', async () => {
  const { ann, ben, conversation } = await world.pair()
  const more = await world.open(ann, await world.createUser())
  for (let n = 0; n < 20; n += 1) await world.send(ann, n % 2 ? conversation.id : more.id, `shared ${n}`)
  const found = await Promise.all([ann, ben, ann, ben, ann, ben].map((user) => search(user, 'shared')))
  expect(found.map(({ items }) => items.length)).toEqual([20, 10, 20, 10, 20, 10])
})

test('words are found whatever punctuation stands about them', async () => {
  const { ann, conversation } = await world.pair()
  const text = 'Write to anna@example.com: “don’t forget” the well-known /usr/local/bin, version 1.2.3, Ünal!'
  await world.send(ann, conversation.id, text)
  const found = async (query: string) => textsOf(await search(ann, query)).length
  for (const query of ['anna', 'anna@example.com', 'EXAMPLE.com', "don't", 'don’t', 'forget', 'known'])
    expect([query, await found(query)]).toEqual([query, 1])
  for (const query of ['well-known', 'local', '/usr/local', '1.2.3', 'ünal', '"forget the well"', 'x or usr'])
    expect([query, await found(query)]).toEqual([query, 1])
  for (const query of ['com.example', '-anna', 'forget -known', '"write anna"', 'know'])
    expect([query, await found(query)]).toEqual([query, 0])
})

test('words are found in whatever form of Unicode they come, and are shown as they were written', async () => {
  const { ann, ben, conversation } = await world.pair()
  const texts = ['un café noir', 'tiếng Việt'].flatMap((text) => [text, text.normalize('NFD')])
  for (const text of [...texts, 'tiê\u0301ng']) await world.send(ben, conversation.id, text)
  for (const query of ['café', 'CAFE\u0301', 'việt'].flatMap((text) => [text, text.normalize('NFD')])) {
    const { items } = await search(ann, query)
    expect([query, items.length]).toEqual([query, 2])
    for (const { message, snippet } of items) {
      expect(snippet.map(({ text }) => text).join('')).toBe(message.text ?? '')
      expect(snippet.filter(({ match }) => match)).toHaveLength(1)
    }
  }
  expect((await search(ann, 'tiếng')).items).toHaveLength(3)
})

test('words are found whose letters have a small form of their own, however they are written', async () => {
  const { ann, conversation } = await world.pair()
  const text = 'Από την ΟΔΟΣ ΕΡΜΟΥ στο İstanbul'
  await world.send(ann, conversation.id, text)
  for (const query of ['ΟΔΟΣ', 'οδος', 'Οδός'.normalize('NFD').replaceAll('\u0301', ''), '"οδοσ ερμου"'])
    expect(textsOf(await search(ann, query))).toEqual([text])
  for (const query of ['İstanbul', 'I\u0307stanbul', 'istanbul', 'ISTANBUL']) {
    const { items } = await search(ann, query)
    expect(items[0]?.snippet.filter(({ match }) => match)).toEqual([{ text: 'İstanbul', match: true }])
  }
})

test('texts full of what paths and addresses are made of are indexed like any other', async () => {
  const { ann, ben, conversation } = await world.pair()
  const units = ['a_', 'a_', 'a_', 'a~/', 'a./', 'a-1.', 'a@a.', 'a&', 'a<', 'a:/', 'a 1e1e', 'a ']
  for (const unit of units)
    await world.send(ben, conversation.id, unit.repeat(Math.floor(16_383 / unit.length)))
  // Accents in the order that takes the longest to put right.
  const accents = ['\u0345', '\u0301', '\u0323', '\u0327', '\u3099', '\u0334']
  await world.send(ben, conversation.id, `a ${accents.map((accent) => accent.repeat(2_700)).join('')}`)
  await world.send(ben, conversation.id, 'plain')
  expect(textsOf(await search(ann, 'plain'))).toEqual(['plain'])
  expect(textsOf(await search(ann, 'a'))).toHaveLength(units.length + 1)
})

test('long messages are indexed in several statements', async () => {
  const { ann, ben, conversation } = await world.pair()
  for (let n = 0; n < 20; n += 1) await world.send(ben, conversation.id, 'long '.repeat(3_276))
  await world.db.unsafe(`
    create table chunks (messages int);
    create function note_chunk() returns trigger language plpgsql as $$
      begin
        insert into chunks select count(*) from added;
        return null;
      end
    $$;
    create trigger note_chunk after insert on search_documents
      referencing new table as added for each statement execute function note_chunk()`)
  expect(textsOf(await search(ann, 'long'))).toHaveLength(20)
  await world.db`drop trigger note_chunk on search_documents`
  const chunks = await world.db<{ messages: number }[]>`select messages from chunks`
  expect(chunks.map(({ messages }) => messages)).toEqual([16, 4])
})

test('the first sixteen words of a query count', async () => {
  const { ann, conversation } = await world.pair()
  const words = Array.from({ length: 16 }, (_, n) => `word${n}`).join(' ')
  await world.send(ann, conversation.id, words)
  expect(textsOf(await search(ann, `${words} more`))).toEqual([words])
  expect(textsOf(await search(ann, `"${words} more"`))).toEqual([words])
  expect(textsOf(await search(ann, `${words.slice(0, -1)}6`))).toEqual([])
})

test('a long phrase is shown in texts that repeat it throughout', async () => {
  const { ann, conversation } = await world.pair()
  for (let n = 0; n < 5; n += 1) await world.send(ann, conversation.id, 'a '.repeat(8_191))
  const { items } = await search(ann, `"${'a '.repeat(95)}"`)
  expect(items).toHaveLength(5)
  for (const { snippet } of items) expect(snippet.filter(({ match }) => match)).toHaveLength(30)
})

test('a message that cannot be indexed in time is left out, and those before and after it are found', async () => {
  const { ann, conversation } = await world.pair()
  await world.db.unsafe(`
    create function hold_up() returns trigger language plpgsql as $$
      begin
        if new.words @@ 'molasses' then perform pg_sleep(20); end if;
        return new;
      end
    $$;
    create trigger hold_up before insert on search_documents for each row execute function hold_up()`)
  for (const text of ['sweet one', 'sweet molasses', 'sweet two'])
    await world.send(ann, conversation.id, text)
  const found = textsOf(await search(ann, 'sweet'))
  await world.db`drop trigger hold_up on search_documents`
  expect(found.sort()).toEqual(['sweet one', 'sweet two'])
  expect(textsOf(await search(ann, 'molasses'))).toEqual([])
}, 20_000)

test('503 busy for a search whose index is locked, and it works again afterwards', async () => {
  const { ann, conversation } = await world.pair()
  await world.send(ann, conversation.id, 'patience')
  const release = await lockIndex()
  await expectProblem(world.ask(ann, 'GET', '/api/v1/search/messages?query=patience'), 503, 'busy')
  await release()
  expect(textsOf(await search(ann, 'patience'))).toEqual(['patience'])
})

test('searches take three connections at most, so that messages are sent meanwhile', async () => {
  const { ann, conversation } = await world.pair()
  const people = await Promise.all(Array.from({ length: 12 }, () => world.createUser()))
  const release = await lockIndex()
  const answers = people.map((user) => world.ask(user, 'GET', '/api/v1/search/messages?query=a'))
  const waiting = await eventually(async () => {
    const count = (await world.waitingForLocks()) ?? 0
    expect(count).toBeGreaterThanOrEqual(3)
    return count
  })
  await world.send(ann, conversation.id, 'sent meanwhile')
  expect(waiting).toBe(3)
  expect(await world.waitingForLocks()).toBe(3)
  await release()
  for (const { status } of await Promise.all(answers)) expect([200, 503]).toContain(status)
  expect(textsOf(await search(ann, 'meanwhile'))).toEqual(['sent meanwhile'])
})

test('400 without words or with a foreign cursor, 401 without a token, 404 for a foreign conversation', async () => {
  const { ann, conversation } = await world.pair()
  await expectProblem(world.ask(ann, 'GET', '/api/v1/search/messages'), 400)
  await expectProblem(
    world.ask(ann, 'GET', '/api/v1/search/messages?query=a&cursor=xyz'),
    400,
    'cursor_invalid',
  )
  await expectProblem(world.ask(ann, 'GET', '/api/v1/search/messages?query=a%00b'), 400)
  await expectProblem(world.ask(undefined, 'GET', '/api/v1/search/messages?query=a'), 401)
  const foreign = `/api/v1/search/messages?query=a&conversationId=`
  await expectProblem(world.ask(await world.createUser(), 'GET', foreign + conversation.id), 404)
  await expectProblem(world.ask(ann, 'GET', foreign + newId()), 404)
})
