import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { registry } from '@plaza/kit/metrics'
import { eventually } from '@plaza/kit/testing'
import { startWorld, textsOf } from './_world.ts'

const world = await startWorld(import.meta.path, { FRAMES_BURST: '60', BYTES_BURST: '200000' })
const { deps } = world

const id = newId()
const malformed: [string, unknown][] = [
  ['no JSON', '{"type":'],
  ['no object', '"hello"'],
  ['null', 'null'],
  ['an unknown type', { type: 'shout' }],
  ['no type', { ref: '1' }],
  ['binary', new Uint8Array([1, 2, 3])],
  ['a bad id', { type: 'send', ref: '1', key: 'k', conversationId: 'x', text: 'a' }],
  ['a number for text', { type: 'send', ref: '1', key: 'k', conversationId: id, text: 7 }],
  ['NUL in a text', { type: 'send', ref: '1', key: 'k', conversationId: id, text: 'a\0b' }],
  ['a lone surrogate', `{"type":"send","ref":"1","key":"k","conversationId":"${id}","text":"\\ud800"}`],
  ['an empty receipt', { type: 'receipt', conversationId: id }],
  ['a negative seq', { type: 'receipt', conversationId: id, readSeq: -1 }],
  ['too many watched', { type: 'watch', userIds: Array.from({ length: 201 }, newId) }],
  ['a second hello', { type: 'hello' }],
  ['a bad status', { type: 'presence', status: 'invisible' }],
]

for (const [what, frame] of malformed)
  test(`${what} is answered with what is wrong, and the socket goes on`, async () => {
    const ada = await deps.createUser()
    const socket = await world.open(ada)
    socket.say(frame)
    const { problem } = await eventually(() => socket.one('error'))
    expect(problem).toMatchObject({ code: 'invalid', status: 400 })
    const texts = await world.publish([ada.id], 1)
    await eventually(() => expect(textsOf(socket)).toEqual(texts))
  })

test('the answer to a frame that is not valid carries its ref', async () => {
  const socket = await world.open(await deps.createUser())
  socket.say({ type: 'send', ref: 'mine', key: 'k', conversationId: 'x' })
  expect(await eventually(() => socket.one('error'))).toMatchObject({ ref: 'mine' })
})

test('hello comes first', async () => {
  const socket = await world.connect(await deps.createUser())
  socket.say({ type: 'ping' })
  expect((await eventually(() => socket.one('error'))).problem.reason).toBe('hello_first')
})

test('a socket that keeps sending nonsense is closed', async () => {
  const socket = await world.open(await deps.createUser())
  for (let time = 0; time < 5; time += 1) socket.say('nonsense')
  expect(await socket.closed).toMatchObject({ code: 4400 })
  expect(socket.all('error')).toHaveLength(5)
})

test('a frame over 64 KB closes the socket, and one of megabytes is not even taken in', async () => {
  const large = await world.open(await deps.createUser())
  large.say({ type: 'ping', filling: 'ä'.repeat(33_000) })
  expect(await large.closed).toMatchObject({ code: 4413 })
  const huge = await world.open(await deps.createUser())
  huge.say('x'.repeat(10 << 20))
  expect([1006, 1009]).toContain((await huge.closed).code)
})

test('a socket over its budget is refused, and closed when it goes on', async () => {
  const socket = await world.open(await deps.createUser())
  for (let time = 0; time < 70; time += 1) socket.say({ type: 'ping' })
  const { problem } = await eventually(() => socket.one('error'))
  expect(problem).toMatchObject({ code: 'limited', reason: 'over_budget', status: 429 })
  expect(socket.all('pong').length).toBeGreaterThan(50)
  expect(socket.all('pong').length).toBeLessThan(65)
  for (let time = 0; time < 70; time += 1) socket.say({ type: 'ping' })
  expect(await socket.closed).toMatchObject({ code: 4429 })
})

test('bytes are counted, too', async () => {
  const socket = await world.open(await deps.createUser())
  for (let time = 0; time < 12; time += 1) socket.say({ type: 'ping', filling: 'x'.repeat(40_000) })
  expect(await socket.closed).toMatchObject({ code: 4429 })
})

test('only what was sent can be acknowledged, and it reaches relay', async () => {
  const ada = await deps.createUser()
  const socket = await world.open(ada)
  await world.publish([ada.id], 2)
  await eventually(() => expect(socket.all('event')).toHaveLength(2))
  const [epoch] = socket.cursor.split('-')
  socket.say({ type: 'ack', cursor: `${epoch}-3` })
  expect((await eventually(() => socket.one('error'))).problem).toMatchObject({
    code: 'conflict',
    reason: 'cursor_ahead',
  })
  socket.say({ type: 'ack', cursor: `${epoch}-1` })
  socket.say({ type: 'ack', cursor: `${epoch}-2` })
  const sql = await deps.sql('relay')
  await eventually(async () => {
    const [row] = await sql`select epoch, n from device_cursors where session_id = ${ada.sessionId}`
    expect(row).toMatchObject({ epoch, n: 2 })
  })
})

test('nothing of this was an unexpected error', async () => {
  expect(await registry.getSingleMetricAsString('unexpected_errors_total')).not.toMatch(/} [1-9]/)
})
